/** Dates of SI and EMN: in OPAQUE their digits YYYYMMDDhhmmss two an octet, zero octets at the end left out. */

import { decodeHexadecimal, encodeHexadecimal } from '../hexadecimal.js';

const OCTETS = 7;
/** Year, month and day are never zero. */
const DATE_OCTETS = 4;
const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** @returns `1999-06-30T00:00:00Z`, undefined where the octets are no date. */
export function dateOfOctets(octets: Uint8Array): string | undefined {
  if (octets.length < DATE_OCTETS || octets.length > OCTETS) return undefined;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(
    encodeHexadecimal(octets).padEnd(2 * OCTETS, '0'),
  );
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return isDate(text) ? text : undefined;
}

/** @returns undefined where the text is not written as a date in UTC. */
export function octetsOfDate(text: string): Uint8Array | undefined {
  if (!isDate(text)) return undefined;
  const octets = [...decodeHexadecimal(text.replace(/\D/g, ''))];
  while (octets.at(-1) === 0) octets.pop();
  return Uint8Array.from(octets);
}

/** Whether there is such a day and such a second. */
export function isDate(text: string): boolean {
  if (!WRITTEN.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace('Z', '.000Z');
}
