/** WSP's texts (WAP-230 8.4.2.1): text-string, token-text, quoted-string. */

import { ConfigurationError } from '../../errors.js';
import { isToken } from '../token.js';
import type { OctetReader } from './octet-reader.js';
import type { OctetWriter } from './octet-writer.js';

/** Stands before a text-string that starts with 80 to FF, which would look like a short value otherwise. */
const QUOTE = 0x7f;
const QUOTATION_MARK = 0x22;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Text of which no charset is told. WSP means US-ASCII; senders write UTF-8, and older ones ISO 8859-1:
 * what is not UTF-8 is taken for the latter, so that no text is refused and none lost.
 */
export function decodeText(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    return decodeLatin1(octets);
  }
}

/** ISO 8859-1 as it stands: TextDecoder's label of that name is Windows-1252. */
export function decodeLatin1(octets: Uint8Array): string {
  const characters: string[] = [];
  // In slices: an argument an octet is more than the stack of a call may hold.
  for (let start = 0; start < octets.length; start += 8192) {
    characters.push(String.fromCharCode(...octets.subarray(start, start + 8192)));
  }
  return characters.join('');
}

/** Whether a value that starts so is a text-string: anything but a length (01 to 1F). */
export function isText(octet: number): boolean {
  return octet === 0 || octet > 0x1f;
}

/**
 * A text-string, without its quote and its zero octet. A first octet above 7F is taken without the quote too,
 * where the field can hold nothing but text.
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
  if (octets.includes(0)) throw new ConfigurationError('a text-string cannot hold a zero octet');
  if (!isText(first)) {
    throw new ConfigurationError('a text-string cannot start with a control character');
  }
  if (first >= QUOTE) writer.octet(QUOTE);
  writer.octets(octets).octet(0);
}

/** Text as a parameter's value: a token as it is, anything else as quoted-string. */
export function readTextValue(reader: OctetReader, field: string): string {
  if (reader.peek() === QUOTATION_MARK) {
    reader.octet(field);
    // WAP-230 8.4.2.1 has no closing mark; many write one.
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
  if (octets.includes(0)) throw new ConfigurationError('a quoted-string cannot hold a zero octet');
  writer.octet(QUOTATION_MARK).octets(octets);
  if (octets.at(-1) === QUOTATION_MARK) writer.octet(QUOTATION_MARK);
  writer.octet(0);
}
