/** Character sets by their IANA MIBenum, as WSP numbers them (WAP-230 table 42). */

import { decodeLatin1, decodeText } from './text.js';

const US_ASCII = 3;
const ISO_8859_1 = 4;
const UCS_2 = 1000;
const UTF_16 = 1015;
export const UTF_8 = 106;

const names = new Map<number, string>([
  [US_ASCII, 'us-ascii'],
  [ISO_8859_1, 'iso-8859-1'],
  [5, 'iso-8859-2'],
  [6, 'iso-8859-3'],
  [7, 'iso-8859-4'],
  [8, 'iso-8859-5'],
  [9, 'iso-8859-6'],
  [10, 'iso-8859-7'],
  [11, 'iso-8859-8'],
  [12, 'iso-8859-9'],
  [17, 'shift_jis'],
  [UTF_8, 'utf-8'],
  [UCS_2, 'iso-10646-ucs-2'],
  [UTF_16, 'utf-16'],
  [2026, 'big5'],
]);
const mibEnums = new Map([...names].map(([mibEnum, name]) => [name, mibEnum]));

export function charsetName(mibEnum: number): string | undefined {
  return names.get(mibEnum);
}

export function charsetMibEnum(name: string): number | undefined {
  return mibEnums.get(name.toLowerCase());
}

/** Charsets of which a character has two octets, so that a zero octet ends nothing. */
export function isWide(mibEnum: number): boolean {
  return mibEnum === UCS_2 || mibEnum === UTF_16;
}

/** Never throws: what a charset does not hold becomes U+FFFD; text of an unknown charset is read as UTF-8 or ISO 8859-1. */
export function decodeCharset(octets: Uint8Array, mibEnum: number): string {
  const name = names.get(mibEnum);
  if (name === undefined || mibEnum === US_ASCII || mibEnum === UTF_8) return decodeText(octets);
  if (mibEnum === ISO_8859_1) return decodeLatin1(octets);
  if (isWide(mibEnum)) {
    // RFC 2781 4.3: big-endian where no byte order mark says otherwise.
    const little = octets[0] === 0xff && octets[1] === 0xfe;
    return new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(octets);
  }
  return new TextDecoder(name).decode(octets);
}
