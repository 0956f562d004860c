/** Values that say how long they are, and values of fields that nobody here knows (WAP-230 8.4.1.2, 8.4.2.2). */

import { ConfigurationError } from '../../errors.js';
import { readInteger, readUintvar, writeLongInteger, writeUintvar } from './integers.js';
import { type OctetReader, OctetWriter } from './octets.js';

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

/** Date-value: seconds since 1970 (WAP-230 8.4.2.3). */

/** The last second that a Date holds. */
export const MAX_SECONDS = 8.64e12;

export function readDate(reader: OctetReader, field: string): Date {
  return new Date(readSeconds(reader, field) * 1000);
}

export function writeDate(writer: OctetWriter, date: Date): void {
  const milliseconds = date.getTime();
  if (!(milliseconds >= 0)) throw new ConfigurationError('a date lies in 1970 or later');
  writeLongInteger(writer, Math.floor(milliseconds / 1000));
}

/** A number of seconds that a Date can hold. */
export function readSeconds(reader: OctetReader, field: string): number {
  const start = reader.offset;
  const seconds = readInteger(reader, field);
  if (seconds > MAX_SECONDS) throw reader.failure(field, `at most ${MAX_SECONDS} seconds`, start);
  return seconds;
}

/** Version-value: major in three bits, minor in four, of which 15 says that there is none (WAP-230 8.4.2.3). */

const NO_MINOR = 0x0f;

/** @param value of a short-integer, 0 to 127 */
export function formatVersion(value: number): string {
  const minor = value & 0x0f;
  return minor === NO_MINOR ? String(value >> 4) : `${value >> 4}.${minor}`;
}

/** @param text `1.2`, or `1` */
export function parseVersion(text: string): number {
  const match = /^([0-7])(?:\.(\d|1[0-4]))?$/.exec(text);
  if (!match) throw new ConfigurationError(`a version is MAJOR.MINOR up to 7.14, not "${text}"`);
  return (Number(match[1]) << 4) | (match[2] === undefined ? NO_MINOR : Number(match[2]));
}

/** The version of those who take everything. */
export const NEWEST = 0x7f;

/** Which version of the encoding brought which codes: those up to `last`, from the ones before on. */
export type VersionSteps = readonly (readonly [last: number, version: string])[];

/** Codes past the last step came later than any version with a number that is known here. */
export function versionOfCode(steps: VersionSteps, code: number): number {
  const step = steps.find(([last]) => code <= last);
  return step ? parseVersion(step[1]) : NEWEST;
}
