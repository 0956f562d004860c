/** Dates of SI and EMN in OPAQUE: the digits YYYYMMDDhhmmss, two in each octet, without zero octets at the end. */

import { decodeHexadecimal, encodeHexadecimal } from '../binary-text.js';
import { isDate } from '../markup.js';
import type { OpaqueText } from './language.js';

const OCTETS = 7;
/** Year, month and day are never zero. */
const DATE_OCTETS = 4;

/**
 * Dates in OPAQUE octets, as in SI and EMN (WAP-167 9.2): `1999-06-30T00:00:00Z` is the octets `19 99 06 30`. Zero octets
 * at the end are omitted.
 */
export const opaqueDate: OpaqueText = {
  expected: 'the digits of a date',
  decode(octets) {
    if (octets.length < DATE_OCTETS || octets.length > OCTETS) return undefined;
    const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(
      encodeHexadecimal(octets).padEnd(2 * OCTETS, '0'),
    );
    if (!match) return undefined;
    const [, year, month, day, hour, minute, second] = match;
    const text = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
    return isDate(text) ? text : undefined;
  },
  encode(text) {
    if (!isDate(text)) return undefined;
    const octets = [...decodeHexadecimal(text.replace(/\D/g, ''))];
    while (octets.at(-1) === 0) octets.pop();
    return Uint8Array.from(octets);
  },
};
