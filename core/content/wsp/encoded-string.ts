/** Encoded-string-value: text with or without its charset (OMA-TS-MMS_ENC 7.3.19). */

import { ConfigurationError } from '../../errors.js';
import { decodeCharset, isWide, UTF_8 } from './charset.js';
import { readInteger, writeInteger } from './integers.js';
import type { OctetReader } from './octet-reader.js';
import type { OctetWriter } from './octet-writer.js';
import { isText, readTextString, writeTextString } from './text.js';
import { readFramed, writeFramed } from './value-length.js';

const QUOTE = 0x7f;

export function readEncodedString(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first === undefined) throw reader.failure(field, 'an encoded-string-value');
  // A lone zero octet is an empty text and a length of zero: the same to us.
  if (isText(first)) return readTextString(reader, field);
  return readFramed(reader, field, (value) => {
    const charset = readInteger(value, field);
    if (isWide(charset)) return decodeCharset(withoutTerminator(value.rest()), charset);
    if (value.peek() === QUOTE) value.octet(field);
    return decodeCharset(value.untilZero(field), charset);
  });
}

/** Plain where it is US-ASCII, else with charset UTF-8 (OMA-TS-MMS_CONF 10.2.1). */
export function writeEncodedString(writer: OctetWriter, text: string): void {
  const octets = new TextEncoder().encode(text);
  const first = octets[0] ?? 0;
  // A control character in front would read as a length.
  if (isText(first) && octets.every((octet) => octet < 0x80)) {
    writeTextString(writer, text);
    return;
  }
  if (octets.includes(0)) throw new ConfigurationError('an encoded-string-value cannot hold a zero octet');
  writeFramed(writer, (value) => {
    writeInteger(value, UTF_8);
    if (first >= QUOTE) value.octet(QUOTE);
    value.octets(octets).octet(0);
  });
}

/** Two octets a character: the end is a zero character, or the zero octet of a text-string behind whole ones. */
function withoutTerminator(octets: Uint8Array): Uint8Array {
  const odd = octets.length % 2;
  if (odd === 1) return octets.at(-1) === 0 ? octets.subarray(0, -1) : octets;
  return octets.at(-1) === 0 && octets.at(-2) === 0 ? octets.subarray(0, -2) : octets;
}
