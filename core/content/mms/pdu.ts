/** Defines an MMS PDU as a layout of header fields, which its decoder and its encoder use. */

import { ConfigurationError } from '../../errors.js';
import { hexOctet, OctetReader, OctetWriter } from '../wsp/octets.js';
import { readTextString, writeTextString } from '../wsp/text.js';
import { readAnyValue } from '../wsp/values.js';
import {
  type MmsFieldName,
  type MmsMessageType,
  messageTypeOctet,
  mmsFieldCode,
  mmsFieldName,
  readMessageType,
} from './codes.js';
import type { MmsValue } from './values.js';

interface Entry<T, Required extends boolean> {
  readonly name: MmsFieldName;
  readonly required: Required;
  /** @returns undefined if the value must stay raw: it is unknown, or the field is repeated. */
  read(reader: OctetReader, before: T | undefined): T | undefined;
  write(writer: OctetWriter, value: T): void;
}

/** Fields in the order in which they are written, without X-Mms-Message-Type. */
export type MmsLayout<Fields> = {
  readonly [K in keyof Fields]-?: Entry<Required<Fields>[K], object extends Pick<Fields, K> ? false : true>;
};

export function required<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, true> {
  return { ...single(name, value), required: true };
}

export function optional<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, false> {
  return { ...single(name, value), required: false };
}

/** A field that can be repeated, once for each value. */
export function repeated<T>(name: MmsFieldName, value: MmsValue<T>): Entry<readonly T[], false> {
  const { read, write } = single(name, value);
  return {
    name,
    required: false,
    read(reader, before = []) {
      const next = read(reader, undefined);
      return next === undefined ? undefined : [...before, next];
    },
    write(writer, values) {
      for (const one of values) write(writer, one);
    },
  };
}

function single<T>(name: MmsFieldName, value: MmsValue<T>): Omit<Entry<T, boolean>, 'required'> {
  return {
    name,
    read(reader, before) {
      const read = value.read(reader, name);
      return before === undefined ? read : undefined;
    },
    write: (writer, content) => value.write(writer.octet(mmsFieldCode(name) | 0x80), content),
  };
}

/** An unknown field: not defined for this PDU, repeated, or with an unknown value. */
export interface MmsRawField {
  /** Code 01 to 7F, or the name of the field. */
  readonly field: number | string;
  /** Bytes of the value. */
  readonly value: Uint8Array;
}

export interface WithRawFields {
  readonly others?: readonly MmsRawField[];
}

export interface MmsPduCodec<Fields> {
  /** @throws MalformedError naming the field, its offset and what was expected there. */
  decode(pdu: Uint8Array): Fields & WithRawFields;
  /** @throws ConfigurationError if a value does not fit its field. */
  encode(fields: Fields & WithRawFields): Uint8Array;
  /** Reads the fields of a PDU with content up to Content-Type, which stays unread. */
  readHeader(reader: OctetReader): Fields & WithRawFields;
  writeHeader(writer: OctetWriter, fields: Fields & WithRawFields): void;
}

const MESSAGE_TYPE = 0x0c;
/** The last field of a PDU with content, which follows it (OMA-TS-MMS_ENC 7). */
const CONTENT_TYPE = 0x84;
/** Twice the number of assigned fields. */
const MAX_FIELDS = 128;
/** Each recipient has a field. */
const MAX_FIELDS_WITH_RECIPIENTS = 2048;

export function definePdu<Fields extends object>(
  type: MmsMessageType,
  layout: MmsLayout<Fields>,
): MmsPduCodec<Fields> {
  // Object.keys returns string[], but a layout has exactly the keys of Fields.
  const keys = Object.keys(layout) as (keyof Fields)[];
  const keyOfCode = new Map(keys.map((key) => [mmsFieldCode(layout[key].name), key]));

  function readFields(reader: OctetReader, limit: number, end?: number): Fields & WithRawFields {
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
    // All mandatory fields are present.
    return { ...(fields as Fields), others: others.length > 0 ? others : undefined };
  }

  /** @returns false if the value must stay raw. */
  function readInto<K extends keyof Fields>(fields: Partial<Fields>, key: K, reader: OctetReader): boolean {
    const { name, required, read } = layout[key];
    const start = reader.offset;
    const value = read(reader, fields[key]);
    if (value === undefined && required && !(key in fields)) {
      throw reader.failure(name, 'a known value', start);
    }
    if (value === undefined) return false;
    fields[key] = value;
    return true;
  }

  function writeHeader(writer: OctetWriter, fields: Fields & WithRawFields): void {
    writer.octet(MESSAGE_TYPE | 0x80).octet(messageTypeOctet(type));
    for (const key of keys) {
      const { name, required, write } = layout[key];
      const value = fields[key];
      if (value !== undefined) write(writer, value);
      else if (required) throw new ConfigurationError(`${type}: missing mandatory field ${name}`);
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
