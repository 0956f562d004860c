/** Integers of WSP (WAP-230 8.4.2.1): uintvar, short-integer, long-integer, integer-value. */

import { ConfigurationError } from '../../errors.js';
import type { OctetReader, OctetWriter } from './octets.js';

/** A uintvar, like mb_u_int32 of WBXML, has 32 bits: at most five octets of seven bits. */
const UINTVAR_OCTETS = 5;
const UINT32_MAX = 0xffff_ffff;
const SHORT_INTEGER_MAX = 0x7f;
const LONG_INTEGER_OCTETS = 30;

/** Seven bits in each octet; the high bit marks that another follows. 0 to 2^32 - 1. */
export function readUintvar(reader: OctetReader, field: string): number {
  const start = reader.offset;
  let value = 0;
  for (let count = 0; count < UINTVAR_OCTETS; count += 1) {
    const octet = reader.octet(field, 'a uintvar');
    value = value * 0x80 + (octet & 0x7f);
    if (octet < 0x80) {
      if (value > UINT32_MAX) break;
      return value;
    }
  }
  throw reader.failure(field, 'a uintvar of at most 32 bits', start);
}

export function writeUintvar(writer: OctetWriter, value: number): void {
  requireInteger(value, UINT32_MAX, 'a uintvar');
  let octets = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) octets += 1;
  for (let left = octets - 1; left >= 0; left -= 1) {
    const septet = Math.floor(value / 0x80 ** left) % 0x80;
    writer.octet(left > 0 ? septet | 0x80 : septet);
  }
}

/** One octet: 80 + value, 0 to 127. */
export function readShortInteger(reader: OctetReader, field: string): number {
  const octet = reader.peek();
  if (octet === undefined || octet < 0x80) throw reader.failure(field, 'a short-integer (80 to FF)');
  return reader.octet(field) & 0x7f;
}

export function writeShortInteger(writer: OctetWriter, value: number): void {
  requireInteger(value, SHORT_INTEGER_MAX, 'a short-integer');
  writer.octet(value | 0x80);
}

/** A length octet, 1 to 30, then big-endian octets. Values above 2^53 - 1 are rejected. */
export function readLongInteger(reader: OctetReader, field: string): number {
  const start = reader.offset;
  const length = reader.octet(field, 'a long-integer');
  if (length < 1 || length > LONG_INTEGER_OCTETS) {
    throw reader.failure(field, 'a long-integer of 1 to 30 octets', start);
  }
  let value = 0;
  for (const octet of reader.octets(length, field)) {
    value = value * 0x100 + octet;
    if (!Number.isSafeInteger(value)) throw reader.failure(field, 'a long-integer below 2^53', start);
  }
  return value;
}

export function writeLongInteger(writer: OctetWriter, value: number): void {
  requireInteger(value, Number.MAX_SAFE_INTEGER, 'a long-integer');
  const octets: number[] = [];
  let rest = value;
  do {
    octets.unshift(rest % 0x100);
    rest = Math.floor(rest / 0x100);
  } while (rest > 0);
  writer.octet(octets.length).octets(Uint8Array.from(octets));
}

/** Reads a short-integer or a long-integer. */
export function readInteger(reader: OctetReader, field: string): number {
  const octet = reader.peek();
  return octet !== undefined && octet >= 0x80
    ? readShortInteger(reader, field)
    : readLongInteger(reader, field);
}

/** Writes a short-integer if possible, else a long-integer. */
export function writeInteger(writer: OctetWriter, value: number): void {
  if (value <= SHORT_INTEGER_MAX) writeShortInteger(writer, value);
  else writeLongInteger(writer, value);
}

function requireInteger(value: number, max: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new ConfigurationError(`invalid value ${value} of ${what}: expected 0 to ${max}`);
  }
}
