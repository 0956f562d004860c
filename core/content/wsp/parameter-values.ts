/** How the values of well-known parameters are written (WAP-230 8.4.2.3, 8.4.2.4), each read as text. */

import { charsetName } from './charset.js';
import { readDate } from './date.js';
import { readInteger, readShortInteger, readUintvar } from './integers.js';
import type { OctetReader } from './octet-reader.js';
import { readTextString, readTextValue } from './text.js';
import { formatVersion } from './version.js';

export type ReadParameterValue = (reader: OctetReader, field: string) => string;

export function readNumber(reader: OctetReader, field: string): string {
  return String(readInteger(reader, field));
}

export function readCharset(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && startsText(first)) return readTextValue(reader, field).toLowerCase();
  if (first === 0x80) {
    // Any-charset = <Octet 128>.
    reader.octet(field);
    return '*';
  }
  const mibEnum = readInteger(reader, field);
  return charsetName(mibEnum) ?? `mib-${mibEnum}`;
}

/** 1 to 100 are hundredths from 0, 101 and above thousandths. */
export function readQuality(reader: OctetReader, field: string): string {
  const start = reader.offset;
  const value = readUintvar(reader, field);
  if (value < 1 || value > 1099) throw reader.failure(field, 'a quality of 1 to 1099', start);
  return String(value <= 100 ? (value - 1) / 100 : (value - 100) / 1000);
}

export function readVersion(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && first < 0x80) return readTextValue(reader, field);
  return formatVersion(readShortInteger(reader, field));
}

/** A header's code as number, or its name. */
export function readFieldName(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && first < 0x80) return readTextString(reader, field);
  return String(readShortInteger(reader, field));
}

export function readNothing(reader: OctetReader, field: string): string {
  if (reader.peek() !== 0) throw reader.failure(field, 'no value (00)');
  reader.octet(field);
  return '';
}

/** As RFC 2183 has dates in text. */
export function readDateText(reader: OctetReader, field: string): string {
  return readDate(reader, field).toUTCString();
}

/** Of a parameter named in text: a number, nothing, a token or a quoted-string. */
export function readUntyped(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first === 0) return readNothing(reader, field);
  return first === undefined || startsText(first) ? readTextValue(reader, field) : readNumber(reader, field);
}

export function startsText(octet: number): boolean {
  return octet >= 0x20 && octet < 0x80;
}
