/** The charsets that the writer supports. */

import { ConfigurationError } from '../../errors.js';
import { ISO_8859_1, US_ASCII, UTF_8 } from '../charset.js';

/** The last character of each charset, by its MIBenum. */
const LAST = new Map([
  [US_ASCII, 0x7f],
  [ISO_8859_1, 0xff],
  [UTF_8, 0x10ffff],
]);

const utf8 = new TextEncoder();

export class TextEncoding {
  readonly #last: number;

  /** @param charset IANA MIBenum. */
  constructor(private readonly charset: number) {
    const last = LAST.get(charset);
    if (last === undefined) {
      throw new ConfigurationError(
        `invalid charset ${charset}: expected 106 (UTF-8), 3 (US-ASCII) or 4 (ISO 8859-1)`,
      );
    }
    this.#last = last;
  }

  /** Splits a text into strings of the charset and code points outside of it. */
  runs(text: string): (string | number)[] {
    // Readers refuse an entity with such a code, and UTF-8 has no form of it.
    if (/\p{Cs}/u.test(text)) {
      throw new ConfigurationError('invalid WBXML text: expected no half of a surrogate pair');
    }
    const runs: (string | number)[] = [];
    let from = 0;
    let at = 0;
    for (const character of text) {
      const codePoint = character.codePointAt(0) ?? 0;
      if (codePoint > this.#last) {
        if (at > from) runs.push(text.slice(from, at));
        runs.push(codePoint);
        from = at + character.length;
      }
      at += character.length;
    }
    if (at > from) runs.push(text.slice(from));
    return runs;
  }

  /** The octets of a string and its zero octet. */
  string(text: string): Uint8Array {
    if (text.includes('\0')) throw new ConfigurationError('invalid WBXML string: expected no zero octet');
    if (this.charset === UTF_8) return utf8.encode(`${text}\0`);
    const octets = Array.from(`${text}\0`, (character) => character.codePointAt(0) ?? 0);
    if (octets.some((octet) => octet > this.#last)) {
      throw new ConfigurationError(
        `invalid WBXML string ${JSON.stringify(text)}: expected characters of the charset ${this.charset}`,
      );
    }
    return Uint8Array.from(octets);
  }
}
