/** An MMS PDU as a layout of header fields, from which both its decoder and its encoder follow. */

import { ConfigurationError } from '../../errors.js';
import { hexOctet, OctetReader } from '../wsp/octet-reader.js';
import { OctetWriter } from '../wsp/octet-writer.js';
import { readTextString, writeTextString } from '../wsp/text.js';
import { readAnyValue } from '../wsp/value-length.js';
import { type MmsFieldName, mmsFieldCode, mmsFieldName } from './field-names.js';
import { type MmsMessageType, messageTypeOctet, readMessageType } from './message-type.js';
import type { MmsValue } from './value.js';

/** A field kept as it came: not of this PDU, given a second time, or with a value that is not known. */
export interface MmsRawField {
  /** Code 01 to 7F, or the name of a field named in text. */
  readonly field: number | string;
  /** The octets of its value, whole. */
  readonly value: Uint8Array;
}

export interface WithOthers {
  readonly others?: readonly MmsRawField[];
}

interface Entry<T, Required extends boolean> {
  readonly name: MmsFieldName;
  readonly value: MmsValue<T>;
  readonly required: Required;
}

/** In the order of writing; X-Mms-Message-Type, which every PDU starts with, is not listed. */
export type MmsLayout<Fields> = {
  readonly [K in keyof Fields]-?: Entry<Required<Fields>[K], object extends Pick<Fields, K> ? false : true>;
};

export const required = <T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, true> => ({
  name,
  value,
  required: true,
});

export const optional = <T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, false> => ({
  name,
  value,
  required: false,
});

export interface MmsPduCodec<Fields> {
  /** @throws MalformedError naming the field, its offset and what was expected there. */
  decode(pdu: Uint8Array): Fields & WithOthers;
  /** @throws ConfigurationError where a value does not fit its field. */
  encode(fields: Fields & WithOthers): Uint8Array;
}

const MESSAGE_TYPE = 0x0c;
/** Twice as many as are assigned: a hostile PDU could hold many thousands. */
const MAX_FIELDS = 128;

export function definePdu<Fields extends object>(
  type: MmsMessageType,
  layout: MmsLayout<Fields>,
): MmsPduCodec<Fields> {
  // A layout has the keys of Fields and no others, which Object.keys cannot say.
  const keys = Object.keys(layout) as (keyof Fields)[];
  const keyOfCode = new Map(keys.map((key) => [mmsFieldCode(layout[key].name), key]));

  function decode(pdu: Uint8Array): Fields & WithOthers {
    const reader = new OctetReader(pdu, type);
    const found = readMessageType(reader);
    if (found !== type) throw reader.failure('X-Mms-Message-Type', `${type}, not ${found}`, 1);
    const fields: Partial<Fields> = {};
    const others: MmsRawField[] = [];
    for (let count = 0; !reader.atEnd; count += 1) {
      if (count === MAX_FIELDS) throw reader.failure('header', `at most ${MAX_FIELDS} fields`);
      const field = readFieldName(reader);
      const start = reader.offset;
      const key = typeof field === 'number' ? keyOfCode.get(field) : undefined;
      if (key === undefined) readAnyValue(reader, fieldLabel(field));
      else if (readInto(fields, key, layout[key], reader)) continue;
      others.push({ field, value: reader.since(start).slice() });
    }
    for (const key of keys) {
      if (layout[key].required && !(key in fields))
        throw reader.failure(layout[key].name, 'this mandatory field');
    }
    // Every mandatory field is there now.
    return { ...(fields as Fields), ...(others.length > 0 ? { others } : {}) };
  }

  function encode(fields: Fields & WithOthers): Uint8Array {
    const writer = new OctetWriter();
    writer.octet(MESSAGE_TYPE | 0x80).octet(messageTypeOctet(type));
    for (const key of keys) {
      const { name, value, required } = layout[key];
      const given = fields[key];
      if (given !== undefined) value.write(writer.octet(mmsFieldCode(name) | 0x80), given);
      else if (required) throw new ConfigurationError(`${type} needs ${name}`);
    }
    for (const { field, value } of fields.others ?? []) {
      if (typeof field === 'number') writer.octet(field | 0x80);
      else writeTextString(writer, field);
      writer.octets(value);
    }
    return writer.finish();
  }

  return { decode, encode };
}

/** @returns false where the value is to be kept raw: it is none that is known, or the field came before. */
function readInto<Fields, K extends keyof Fields>(
  fields: Partial<Fields>,
  key: K,
  { name, value, required }: Entry<Required<Fields>[K], boolean>,
  reader: OctetReader,
): boolean {
  const start = reader.offset;
  const read = value.read(reader, name);
  if (read === undefined && required) throw reader.failure(name, 'a value that is known', start);
  if (read === undefined || key in fields) return false;
  fields[key] = read;
  return true;
}

function readFieldName(reader: OctetReader): number | string {
  const octet = reader.peek();
  if (octet !== undefined && octet >= 0x80) return reader.octet('header') & 0x7f;
  if (octet === undefined || octet < 0x20) throw reader.failure('header', 'a field (80 to FF, or its name)');
  return readTextString(reader, 'header');
}

function fieldLabel(field: number | string): string {
  return typeof field === 'string' ? field : (mmsFieldName(field) ?? `field ${hexOctet(field | 0x80)}`);
}
