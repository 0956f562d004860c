/** The tokens of MIME, SIP, HTTP and WSP alike (RFC 2045 5.1, RFC 3261 25.1, RFC 9110 5.6.2), as SIP draws them. */

import type { MediaType } from './content.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether all of a text is one token: the name of a header or of a parameter, a value that needs no quotes. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Media types with parameters (RFC 2045 5.1), and ranges of them as in Accept (RFC 3261 20.1). */

const TOKEN_AT = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const BLANKS = /[ \t\r\n]*/y;
// RFC 3261 25.1 quoted-string: every character but quote and backslash stands for itself.
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;

/** RFC 6838 4.2: 127 characters for a type, 127 for a subtype; parameters seldom take a hundred. */
const MAX_LENGTH = 4096;

/**
 * `text/vnd.wap.si; charset="utf-8"`. Type and parameter names come back in lower case, values as written,
 * without their quotes. Undefined when the text is not a media type; a range (`image/*`) is none.
 */
export function parseMediaType(text: string): MediaType | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const cursor = new Cursor(text);
  cursor.take(BLANKS);
  const type = cursor.take(TOKEN_AT);
  cursor.take(BLANKS);
  if (!type || !cursor.skip('/')) return undefined;
  cursor.take(BLANKS);
  const subtype = cursor.take(TOKEN_AT);
  if (!subtype || type.includes('*') || subtype.includes('*')) return undefined;
  const parameters = parseParameters(cursor);
  return parameters && { type: `${type}/${subtype}`.toLowerCase(), parameters };
}

function parseParameters(cursor: Cursor): Record<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (;;) {
    cursor.take(BLANKS);
    // fromEntries makes own properties of names such as __proto__.
    if (cursor.done) return Object.fromEntries(parameters);
    if (!cursor.skip(';')) return undefined;
    cursor.take(BLANKS);
    // Real senders end with a semicolon.
    if (cursor.done) continue;
    const name = cursor.take(TOKEN_AT)?.toLowerCase();
    cursor.take(BLANKS);
    if (!name || !cursor.skip('=')) return undefined;
    cursor.take(BLANKS);
    const value = cursor.take(TOKEN_AT) ?? unquote(cursor.take(QUOTED));
    // RFC 6838 4.3: a parameter has one value; two of them mean different things to different readers.
    if (value === undefined || parameters.has(name)) return undefined;
    parameters.set(name, value);
  }
}

function unquote(quoted: string | undefined): string | undefined {
  return quoted?.slice(1, -1).replace(/\\([\s\S])/g, '$1');
}

/** As a Content-Type value: `text/plain;charset=utf-8`. What would end the header line is a blank. */
export function formatMediaType({ type, parameters }: MediaType): string {
  const formatted = Object.entries(parameters).map(([name, value]) => {
    if (isToken(value)) return `;${name}=${value}`;
    return `;${name}="${[...value].map(quotedCharacter).join('')}"`;
  });
  return type + formatted.join('');
}

/** RFC 3261 25.1: no control character but a tab, whatever made the value. */
function quotedCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return (character < ' ' && character !== '\t') || character === '\x7f' ? ' ' : character;
}

/** Whether `text` is a media type without parameters, or a range: `text/vnd.wap.sl`, `image/*`, any at all. */
export function isMediaRange(text: string): boolean {
  const slash = text.indexOf('/');
  const type = text.slice(0, slash);
  const subtype = text.slice(slash + 1);
  if (slash < 1 || !isToken(type) || !isToken(subtype)) return false;
  if (type.includes('*')) return type === '*' && subtype === '*';
  return !subtype.includes('*') || subtype === '*';
}

/** Whether `range` (`image/*`) takes `type` (`image/png`); case and parameters do not count. */
export function matchesMediaRange(range: string, type: string): boolean {
  const wanted = range.toLowerCase();
  const essence = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (wanted === essence) return true;
  if (wanted === '*/*') return essence.includes('/');
  return wanted.endsWith('/*') && essence.startsWith(wanted.slice(0, -1));
}

/** Whether some media type is in both ranges. */
export function mediaRangesOverlap(one: string, other: string): boolean {
  return matchesMediaRange(one, other) || matchesMediaRange(other, one);
}

class Cursor {
  #at = 0;

  constructor(private readonly text: string) {}

  get done(): boolean {
    return this.#at === this.text.length;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  skip(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
