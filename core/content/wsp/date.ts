/** Date-value: seconds since 1970 (WAP-230 8.4.2.3). */

import { ConfigurationError } from '../../errors.js';
import { readInteger, writeLongInteger } from './integers.js';
import type { OctetReader } from './octet-reader.js';
import type { OctetWriter } from './octet-writer.js';

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
