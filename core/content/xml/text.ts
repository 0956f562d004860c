/** Text of XML: its encoding, the characters that it allows, and normalisation. */

import { charsetMibEnum, decodeCharset, UTF_8 } from '../wsp/text.js';

const UTF_16 = 1015;
const DECLARATION = /^<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/;

/** Decodes by the byte order mark, else by the declaration, else as UTF-8 (XML 1.0, appendix F). */
export function decodeXmlText(bytes: Uint8Array): string {
  return decodeCharset(bytes, charsetOf(bytes)).replace(/^\ufeff/, '');
}

function charsetOf(bytes: Uint8Array): number {
  const [first, second] = bytes;
  if ((first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)) return UTF_16;
  const start = decodeCharset(bytes.subarray(0, 256), UTF_8);
  const encoding = DECLARATION.exec(start)?.[1];
  return (encoding === undefined ? undefined : charsetMibEnum(encoding)) ?? UTF_8;
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
