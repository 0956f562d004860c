/** Values that say how long they are, and values of fields that nobody here knows (WAP-230 8.4.1.2, 8.4.2.2). */

import { readUintvar, writeUintvar } from './integers.js';
import type { OctetReader } from './octet-reader.js';
import { OctetWriter } from './octet-writer.js';

const SHORT_LENGTH_MAX = 30;
const LENGTH_QUOTE = 0x1f;

/** Whether a value that starts so is framed by a value-length. */
export function isValueLength(octet: number): boolean {
  return octet <= LENGTH_QUOTE;
}

export function readValueLength(reader: OctetReader, field: string): number {
  const octet = reader.peek();
  if (octet === undefined || octet > LENGTH_QUOTE) {
    throw reader.failure(field, 'a value-length (00 to 1F)');
  }
  reader.octet(field);
  return octet === LENGTH_QUOTE ? readUintvar(reader, field) : octet;
}

export function writeValueLength(writer: OctetWriter, length: number): void {
  if (length <= SHORT_LENGTH_MAX) writer.octet(length);
  else writeUintvar(writer.octet(LENGTH_QUOTE), length);
}

/**
 * A value framed by its length. Octets that `read` leaves are passed over: the length frames the value, and
 * a later version may have added to it.
 */
export function readFramed<T>(reader: OctetReader, field: string, read: (value: OctetReader) => T): T {
  return read(reader.within(readValueLength(reader, field), field));
}

export function writeFramed(writer: OctetWriter, write: (value: OctetWriter) => void): void {
  const value = new OctetWriter();
  write(value);
  const octets = value.finish();
  writeValueLength(writer, octets.length);
  writer.octets(octets);
}

/** A whole value of a field that is not known: its first octet decides how far it reaches. */
export function readAnyValue(reader: OctetReader, field: string): Uint8Array {
  const start = reader.offset;
  const octet = reader.peek();
  if (octet === undefined) throw reader.failure(field, 'a value');
  if (isValueLength(octet)) reader.octets(readValueLength(reader, field), field);
  else if (octet < 0x80) reader.untilZero(field);
  else reader.octet(field);
  return reader.since(start);
}
