/** Text of XML: its encoding, the characters that it allows, and normalisation. */

import { MalformedError } from '../../errors.js';
import { withoutTrailing } from '../../text.js';
import {
  charsetMibEnum,
  declaredCharset,
  decodeCharset,
  isKnownCharset,
  isWide,
  UTF_8,
  UTF_16,
  UTF_16BE,
  UTF_16LE,
} from '../charset.js';

const DECLARATION = /^<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/;

/**
 * Decodes by the byte order mark, else by the media type, else by the declaration, else as UTF-8 (RFC 7303 §3, XML 1.0,
 * appendix F). Zero characters at the end are padding.
 * @param charset of the media type.
 * @throws MalformedError if the charset is not supported.
 */
export function decodeXmlText(bytes: Uint8Array, title: string, charset?: string): string {
  const text = decodeCharset(bytes, charsetOf(bytes, title, charset)).replace(/^\ufeff/, '');
  return withoutTrailing(text, '\0');
}

function charsetOf(bytes: Uint8Array, title: string, charset?: string): number {
  const [first, second, third, fourth] = bytes;
  if ((first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)) return UTF_16;
  if (first === 0xef && second === 0xbb && third === 0xbf) return UTF_8;
  if (first === 0 && second === 0x3c && third === 0) return UTF_16BE;
  if (first === 0x3c && second === 0 && fourth === 0) return UTF_16LE;
  const start = decodeCharset(bytes.subarray(0, 256), UTF_8);
  const encoding = declaredCharset(charset) ?? DECLARATION.exec(start)?.[1];
  if (encoding === undefined) return UTF_8;
  const mibEnum = charsetMibEnum(encoding);
  if (mibEnum === undefined || !isKnownCharset(mibEnum)) {
    throw new MalformedError(
      `${title}: unknown encoding "${encoding.slice(0, 40)}": expected the name of a charset`,
    );
  }
  // Gateways convert documents and keep the declaration: octets in which `<` is one octet are not UTF-16.
  return isWide(mibEnum) ? UTF_8 : mibEnum;
}

/**
 * The first character that XML does not allow: a control character other than tab and line ends, half of a surrogate pair,
 * U+FFFE and U+FFFF (XML 1.0, 2.2).
 */
export function forbiddenCharacter(text: string): string | undefined {
  return /[^\t\n\r\u0080-\u009f\P{Cc}]|[\p{Cs}\ufffe\uffff]/u.exec(text)?.[0];
}

/** Normalises line ends to line feeds (XML 1.0, 2.11). */
export function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** Normalises white space in an attribute to blanks (XML 1.0, 3.3.3). */
export function attributeText(text: string): string {
  return lines(text).replace(/[\t\n]/g, ' ');
}
