/** An MMS PDU as a layout of header fields, from which both its decoder and its encoder follow. */

import { ConfigurationError } from '../../errors.js';
import { hexOctet, OctetReader } from '../wsp/octet-reader.js';
import { OctetWriter } from '../wsp/octet-writer.js';
import { readTextString, writeTextString } from '../wsp/text.js';
import { readAnyValue } from '../wsp/value-length.js';
import { mmsFieldCode, mmsFieldName } from './field-names.js';
import type { MmsLayout } from './layout.js';
import { type MmsMessageType, messageTypeOctet, readMessageType } from './message-type.js';

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

export interface MmsPduCodec<Fields> {
  /** @throws MalformedError naming the field, its offset and what was expected there. */
  decode(pdu: Uint8Array): Fields & WithOthers;
  /** @throws ConfigurationError where a value does not fit its field. */
  encode(fields: Fields & WithOthers): Uint8Array;
  /** Of a PDU with content: what stands before Content-Type, which is left unread. */
  readHeader(reader: OctetReader): Fields & WithOthers;
  writeHeader(writer: OctetWriter, fields: Fields & WithOthers): void;
}

const MESSAGE_TYPE = 0x0c;
/** OMA-TS-MMS_ENC 7: where there is content, this is the last field, the content behind it. */
const CONTENT_TYPE = 0x84;
/** Twice as many as are assigned: a hostile PDU could hold many thousands. */
const MAX_FIELDS = 128;
/** A message to many has a field for each of them. */
const MAX_FIELDS_WITH_RECIPIENTS = 2048;

export function definePdu<Fields extends object>(
  type: MmsMessageType,
  layout: MmsLayout<Fields>,
): MmsPduCodec<Fields> {
  // A layout has the keys of Fields and no others, which Object.keys cannot say.
  const keys = Object.keys(layout) as (keyof Fields)[];
  const keyOfCode = new Map(keys.map((key) => [mmsFieldCode(layout[key].name), key]));

  function readFields(reader: OctetReader, limit: number, end?: number): Fields & WithOthers {
    const found = readMessageType(reader);
    if (found !== type) throw reader.failure('X-Mms-Message-Type', `${type}, not ${found}`, 1);
    const fields: Partial<Fields> = {};
    const others: MmsRawField[] = [];
    for (let count = 0; !reader.atEnd && reader.peek() !== end; count += 1) {
      if (count === limit) throw reader.failure('header', `at most ${limit} fields`);
      const field = readFieldName(reader);
      const start = reader.offset;
      const key = typeof field === 'number' ? keyOfCode.get(field) : undefined;
      if (key === undefined) readAnyValue(reader, fieldLabel(field));
      else if (readInto(fields, key, reader)) continue;
      others.push({ field, value: reader.since(start).slice() });
    }
    for (const key of keys) {
      if (layout[key].required && !(key in fields))
        throw reader.failure(layout[key].name, 'this mandatory field');
    }
    // Every mandatory field is there now.
    return { ...(fields as Fields), ...(others.length > 0 ? { others } : {}) };
  }

  /** @returns false where the value is to be kept raw. */
  function readInto<K extends keyof Fields>(fields: Partial<Fields>, key: K, reader: OctetReader): boolean {
    const { name, required, read } = layout[key];
    const start = reader.offset;
    const value = read(reader, fields[key]);
    if (value === undefined && required && !(key in fields)) {
      throw reader.failure(name, 'a value that is known', start);
    }
    if (value === undefined) return false;
    fields[key] = value;
    return true;
  }

  function writeHeader(writer: OctetWriter, fields: Fields & WithOthers): void {
    writer.octet(MESSAGE_TYPE | 0x80).octet(messageTypeOctet(type));
    for (const key of keys) {
      const { name, required, write } = layout[key];
      const given = fields[key];
      if (given !== undefined) write(writer, given);
      else if (required) throw new ConfigurationError(`${type} needs ${name}`);
    }
    for (const { field, value } of fields.others ?? []) {
      if (typeof field === 'number') writer.octet(field | 0x80);
      else writeTextString(writer, field);
      writer.octets(value);
    }
  }

  return {
    decode: (pdu) => readFields(new OctetReader(pdu, type), MAX_FIELDS),
    encode(fields) {
      const writer = new OctetWriter();
      writeHeader(writer, fields);
      return writer.finish();
    },
    readHeader: (reader) => readFields(reader, MAX_FIELDS_WITH_RECIPIENTS, CONTENT_TYPE),
    writeHeader,
  };
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
