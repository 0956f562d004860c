/**
 * Defines an MMS PDU as a layout of header fields, which its decoder and its encoder use. A malformed optional field is
 * left out with a warning; a malformed field that the device decides by is an error.
 */

import { ConfigurationError, MalformedError } from '../../errors.js';
import { isToken } from '../media-type.js';
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
  /** Whether the PDU is malformed if this field is. */
  readonly decisive: boolean;
  /** @returns undefined if the value must stay raw: it is unknown, or the field is repeated. */
  read(reader: OctetReader, before: T | undefined): T | undefined;
  write(writer: OctetWriter, value: T): void;
}

/** Fields in the order in which they are written, without X-Mms-Message-Type. */
export type MmsLayout<Fields> = {
  readonly [K in keyof Fields]-?: Entry<Required<Fields>[K], object extends Pick<Fields, K> ? false : true>;
};

export function required<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, true> {
  return { ...single(name, value), required: true, decisive: true };
}

export function optional<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, false> {
  return { ...single(name, value), required: false, decisive: false };
}

/** An optional field that must not be overlooked if it is malformed: the device decides by it. */
export function decisive<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, false> {
  return { ...single(name, value), required: false, decisive: true };
}

/** A field that can be repeated, once for each value. */
export function repeated<T>(name: MmsFieldName, value: MmsValue<T>): Entry<readonly T[], false> {
  const { read, write } = single(name, value);
  return {
    name,
    required: false,
    decisive: false,
    read(reader, before = []) {
      const next = read(reader, undefined);
      return next === undefined ? undefined : [...before, next];
    },
    write(writer, values) {
      for (const one of values) write(writer, one);
    },
  };
}

function single<T>(
  name: MmsFieldName,
  value: MmsValue<T>,
): Pick<Entry<T, boolean>, 'name' | 'read' | 'write'> {
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
  /** Malformed fields that were left out, in words. They are not written. */
  readonly warnings?: readonly string[];
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
    for (let count = 0; !reader.atEnd && reader.peek() !== end && !reader.onlyPadding; count += 1) {
      if (count === limit) throw reader.failure('header', `at most ${limit} fields`);
      const field = reader.attempt(readFieldName);
      // The rest has no fields that can be read.
      if (!field || !readField(fields, others, field.value, reader)) break;
    }
    for (const key of keys) {
      if (layout[key].required && !(key in fields))
        throw reader.failure(layout[key].name, 'this mandatory field');
    }
    if (reader.peek() !== end) reader.rest();
    return {
      // All mandatory fields are present.
      ...(fields as Fields),
      others: others.length > 0 ? others : undefined,
      warnings: reader.warnings,
    };
  }

  /** @returns false if the end of the value cannot be found. */
  function readField(
    fields: Partial<Fields>,
    others: MmsRawField[],
    field: number | string,
    reader: OctetReader,
  ): boolean {
    // The rest of a text whose length was too small has no value.
    if (typeof field === 'string' && !isToken(field)) {
      reader.warn(reader.failure('header', 'the name of a field before it'));
      return true;
    }
    const start = reader.offset;
    const key = typeof field === 'number' ? keyOfCode.get(field) : undefined;
    const known = key !== undefined && readInto(fields, key, reader);
    if (known) return true;
    if (reader.offset === start && !reader.attempt((part) => readAnyValue(part, fieldLabel(field))))
      return false;
    if (known === false) others.push({ field, value: reader.since(start).slice() });
    return true;
  }

  /** @returns false if the value must stay raw, undefined if it is malformed. */
  function readInto<K extends keyof Fields>(
    fields: Partial<Fields>,
    key: K,
    reader: OctetReader,
  ): boolean | undefined {
    const { name, required, decisive, read } = layout[key];
    const start = reader.offset;
    let value: Fields[K] | undefined;
    if (decisive) {
      const strict = reader.withLengths(true);
      value = read(strict, fields[key]);
      reader.octets(strict.offset - start, name);
    } else {
      const found = reader.attempt((part) => read(part, fields[key]));
      if (!found) return undefined;
      value = found.value;
    }
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
    decode: (pdu) => readTolerantly(pdu, type, (reader) => readFields(reader, MAX_FIELDS)),
    encode(fields) {
      const writer = new OctetWriter();
      writeHeader(writer, fields);
      return writer.finish();
    },
    readHeader: (reader) => readFields(reader, MAX_FIELDS_WITH_RECIPIENTS, CONTENT_TYPE),
    writeHeader,
  };
}

/**
 * Reads a PDU; if it is malformed, reads it again without trust in the lengths of values. A wrong length can hide fields
 * after it.
 * @throws MalformedError of the first attempt if the second one fails too.
 */
export function readTolerantly<T>(octets: Uint8Array, document: string, read: (reader: OctetReader) => T): T {
  try {
    return read(new OctetReader(octets, document));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    try {
      return read(new OctetReader(octets, document).withLengths(false));
    } catch {
      throw error;
    }
  }
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
