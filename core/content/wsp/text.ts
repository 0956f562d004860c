/** Texts of WSP and MMS, and character sets by their IANA MIBenum (WAP-230 8.4.2.1, table 42). */

import { ConfigurationError } from '../../errors.js';
import { isToken } from '../media-type.js';
import { readInteger, writeInteger } from './integers.js';
import type { OctetReader, OctetWriter } from './octets.js';
import { readFramed, writeFramed } from './values.js';

export const US_ASCII = 3;
export const ISO_8859_1 = 4;
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

/** Charsets with two octets for each character, in which a zero octet does not end a text. */
export function isWide(mibEnum: number): boolean {
  return mibEnum === UCS_2 || mibEnum === UTF_16;
}

/** Never throws: invalid octets become U+FFFD, and text of an unknown charset is read as UTF-8 or ISO 8859-1. */
export function decodeCharset(octets: Uint8Array, mibEnum: number): string {
  const name = names.get(mibEnum);
  if (name === undefined || mibEnum === US_ASCII || mibEnum === UTF_8) return decodeText(octets);
  if (mibEnum === ISO_8859_1) return decodeLatin1(octets);
  if (isWide(mibEnum)) {
    // RFC 2781 §4.3: big-endian without a byte order mark.
    const little = octets[0] === 0xff && octets[1] === 0xfe;
    return new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(octets);
  }
  return new TextDecoder(name).decode(octets);
}

/** Precedes a text-string that starts with 80 to FF, to distinguish it from a short value. */
const QUOTE = 0x7f;
const QUOTATION_MARK = 0x22;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Text without a charset. WSP specifies US-ASCII, but senders write UTF-8, and old ones ISO 8859-1: text that is not
 * valid UTF-8 is read as ISO 8859-1.
 */
export function decodeText(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    return decodeLatin1(octets);
  }
}

/** Real ISO 8859-1: TextDecoder uses Windows-1252 for that label. */
export function decodeLatin1(octets: Uint8Array): string {
  const characters: string[] = [];
  // In slices, because the number of arguments of a call is limited.
  for (let start = 0; start < octets.length; start += 8192) {
    characters.push(String.fromCharCode(...octets.subarray(start, start + 8192)));
  }
  return characters.join('');
}

/** Whether a value with this first octet is a text-string, and not a length (01 to 1F). */
export function isText(octet: number): boolean {
  return octet === 0 || octet > 0x1f;
}

/**
 * A text-string without its quote and its zero octet. A first octet above 7F is accepted without the quote if the field
 * can only contain text.
 */
export function readTextString(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first === undefined || !isText(first)) throw reader.failure(field, 'a text-string');
  if (first === QUOTE) reader.octet(field);
  return decodeText(reader.untilZero(field));
}

export function writeTextString(writer: OctetWriter, text: string): void {
  const octets = encoder.encode(text);
  const first = octets[0] ?? 0;
  if (octets.includes(0)) throw new ConfigurationError('invalid text-string: expected no zero octet');
  if (!isText(first)) {
    throw new ConfigurationError('invalid text-string: expected no control character at the start');
  }
  if (first >= QUOTE) writer.octet(QUOTE);
  writer.octets(octets).octet(0);
}

/** The text of a parameter's value: a token or a quoted-string. */
export function readTextValue(reader: OctetReader, field: string): string {
  if (reader.peek() === QUOTATION_MARK) {
    reader.octet(field);
    // WAP-230 8.4.2.1 has no closing quotation mark, but many senders write one.
    return decodeText(reader.untilZero(field)).replace(/"$/, '');
  }
  return readTextString(reader, field);
}

export function writeTextValue(writer: OctetWriter, text: string): void {
  if (text === '' || isToken(text)) {
    writeTextString(writer, text);
    return;
  }
  writeQuotedString(writer, text);
}

export function writeQuotedString(writer: OctetWriter, text: string): void {
  const octets = encoder.encode(text);
  if (octets.includes(0)) throw new ConfigurationError('invalid quoted-string: expected no zero octet');
  writer.octet(QUOTATION_MARK).octets(octets);
  if (octets.at(-1) === QUOTATION_MARK) writer.octet(QUOTATION_MARK);
  writer.octet(0);
}

/** Encoded-string-value: text with or without its charset (OMA-TS-MMS_ENC 7.3.19). */
export function readEncodedString(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first === undefined) throw reader.failure(field, 'an encoded-string-value');
  // A single zero octet is both an empty text and a length of zero.
  if (isText(first)) return readTextString(reader, field);
  return readFramed(reader, field, (value) => {
    const charset = readInteger(value, field);
    if (isWide(charset)) return decodeCharset(withoutTerminator(value.rest()), charset);
    if (value.peek() === QUOTE) value.octet(field);
    return decodeCharset(value.untilZero(field), charset);
  });
}

/** Without a charset if the text is US-ASCII, else in UTF-8 (OMA-TS-MMS_CONF 10.2.1). */
export function writeEncodedString(writer: OctetWriter, text: string): void {
  const octets = new TextEncoder().encode(text);
  const first = octets[0] ?? 0;
  // A control character at the start would be read as a length.
  if (isText(first) && octets.every((octet) => octet < 0x80)) {
    writeTextString(writer, text);
    return;
  }
  if (octets.includes(0))
    throw new ConfigurationError('invalid encoded-string-value: expected no zero octet');
  writeFramed(writer, (value) => {
    writeInteger(value, UTF_8);
    if (first >= QUOTE) value.octet(QUOTE);
    value.octets(octets).octet(0);
  });
}

/** For two octets in each character: removes a zero character, or the single zero octet of a text-string. */
function withoutTerminator(octets: Uint8Array): Uint8Array {
  const odd = octets.length % 2;
  if (odd === 1) return octets.at(-1) === 0 ? octets.subarray(0, -1) : octets;
  return octets.at(-1) === 0 && octets.at(-2) === 0 ? octets.subarray(0, -2) : octets;
}
