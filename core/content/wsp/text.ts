/** Texts of WSP and MMS (WAP-230 8.4.2.1). */

import { ConfigurationError } from '../../errors.js';
import { decodeCharset, decodeText, isKnownCharset, isWide, UNKNOWN, UTF_8 } from '../charset.js';
import { isToken } from '../media-type.js';
import { readInteger, writeInteger } from './integers.js';
import type { OctetReader, OctetWriter } from './octets.js';
import { readFramed, writeFramed } from './values.js';

/** Precedes a text-string that starts with 80 to FF, to distinguish it from a short value. */
const QUOTE = 0x7f;
const QUOTATION_MARK = 0x22;

const encoder = new TextEncoder();

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
    const start = value.offset;
    const charset = readInteger(value, field);
    if (charset !== UNKNOWN && !isKnownCharset(charset)) {
      value.warn(value.failure(field, 'the MIBenum of a supported charset', start));
    }
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
