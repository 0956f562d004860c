/** Values with a length, values of unknown fields, dates and versions (WAP-230 8.4.1.2, 8.4.2.2, 8.4.2.3). */

import { ConfigurationError } from '../../errors.js';
import { readInteger, readUintvar, writeLongInteger, writeUintvar } from './integers.js';
import { type OctetReader, OctetWriter } from './octets.js';

const SHORT_LENGTH_MAX = 30;
const LENGTH_QUOTE = 0x1f;

/** Whether a value with this first octet has a value-length. */
export function isValueLength(octet: number): boolean {
  return octet <= LENGTH_QUOTE;
}

function readValueLength(reader: OctetReader, field: string): number {
  const octet = reader.peek();
  if (octet === undefined || octet > LENGTH_QUOTE) {
    throw reader.failure(field, 'a value-length (00 to 1F)');
  }
  reader.octet(field);
  return octet === LENGTH_QUOTE ? readUintvar(reader, field) : octet;
}

function writeValueLength(writer: OctetWriter, length: number): void {
  if (length <= SHORT_LENGTH_MAX) writer.octet(length);
  else writeUintvar(writer.octet(LENGTH_QUOTE), length);
}

/**
 * Reads a value with a length. Octets that `read` leaves are skipped, because a later version can append fields.
 */
export function readFramed<T>(reader: OctetReader, field: string, read: (value: OctetReader) => T): T {
  const start = reader.offset;
  const length = readValueLength(reader, field);
  if (reader.trustsLengths) return read(reader.within(length, field));
  const valueStart = reader.offset;
  const value = read(reader);
  const found = reader.offset - valueStart;
  if (found !== length) reader.warn(reader.failure(field, `a value-length of ${found}`, start));
  return value;
}

export function writeFramed(writer: OctetWriter, write: (value: OctetWriter) => void): void {
  const value = new OctetWriter();
  write(value);
  const octets = value.finish();
  writeValueLength(writer, octets.length);
  writer.octets(octets);
}

/** Reads a value of an unknown field. Its first octet determines its length. */
export function readAnyValue(reader: OctetReader, field: string): Uint8Array {
  const start = reader.offset;
  const octet = reader.peek();
  if (octet === undefined) throw reader.failure(field, 'a value');
  if (isValueLength(octet)) reader.octets(readValueLength(reader, field), field);
  else if (octet < 0x80) reader.untilZero(field);
  else reader.octet(field);
  return reader.since(start);
}

/** The last second of a JavaScript Date. */
export const MAX_SECONDS = 8.64e12;

export function readDate(reader: OctetReader, field: string): Date {
  return new Date(readSeconds(reader, field) * 1000);
}

export function writeDate(writer: OctetWriter, date: Date): void {
  const milliseconds = date.getTime();
  if (!(milliseconds >= 0)) throw new ConfigurationError('invalid date: expected 1970 or later');
  writeLongInteger(writer, Math.floor(milliseconds / 1000));
}

/** A number of seconds within the range of Date. */
export function readSeconds(reader: OctetReader, field: string): number {
  const start = reader.offset;
  const seconds = readInteger(reader, field);
  if (seconds > MAX_SECONDS) throw reader.failure(field, `at most ${MAX_SECONDS} seconds`, start);
  return seconds;
}

/** Version-value: major in three bits, minor in four; 15 means no minor version (WAP-230 8.4.2.3). */
const NO_MINOR = 0x0f;

/** @param value of a short-integer, 0 to 127 */
export function formatVersion(value: number): string {
  const minor = value & 0x0f;
  return minor === NO_MINOR ? String(value >> 4) : `${value >> 4}.${minor}`;
}

/** @param text `1.2`, or `1` */
export function parseVersion(text: string): number {
  const match = /^([0-7])(?:\.(\d|1[0-4]))?$/.exec(text);
  if (!match) throw new ConfigurationError(`invalid version "${text}": expected MAJOR.MINOR up to 7.14`);
  return (Number(match[1]) << 4) | (match[2] === undefined ? NO_MINOR : Number(match[2]));
}

/** A version in which all codes are known. */
export const NEWEST = 0x7f;

/** The encoding versions that introduced the codes, each up to code `last`. */
export type VersionSteps = readonly (readonly [last: number, version: string])[];

/** The version that introduced a code; the newest for codes after the last step. */
export function versionOfCode(steps: VersionSteps, code: number): number {
  const step = steps.find(([last]) => code <= last);
  return step ? parseVersion(step[1]) : NEWEST;
}
