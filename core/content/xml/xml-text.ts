/** The characters of an XML document (XML 1.0, 2.2 and appendix F). */

import { charsetMibEnum, decodeCharset, UTF_8 } from '../wsp/charset.js';

const UTF_16 = 1015;
const DECLARATION = /^<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/;

/** By its byte order mark, else by its declaration, else UTF-8. */
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

/** The first character that no XML document may hold: control characters but tab and line ends. */
export function forbiddenCharacter(text: string): string | undefined {
  return /[^\t\n\r\u0080-\u009f\P{Cc}]/u.exec(text)?.[0];
}
