/** Media types with parameters (RFC 2045 §5.1), media ranges of Accept (RFC 3261 §20.1), and tokens. */

import type { MediaType } from './content.js';

/** A token of SIP (RFC 3261 §25.1), MIME and HTTP. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether the text is a token: a header or parameter name, or a value without quotes. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

const TOKEN_AT = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const BLANKS = /[ \t\r\n]*/y;
const REST = /[^;]+/y;
// quoted-string (RFC 3261 §25.1).
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;

/** Characters. Type and subtype have at most 127 each (RFC 6838 §4.2), and parameters rarely more than a hundred. */
const MAX_LENGTH = 4096;

/**
 * Parses `text/vnd.wap.si; charset="utf-8"`. The type and parameter names are converted to lower case; values are
 * unquoted. Undefined if the text is not a media type; a range (`image/*`) is not.
 */
export function parseMediaType(text: string): MediaType | undefined {
  return parse(text);
}

/** Its parameters describe the content that is retrieved: a malformed one is not left out. */
const STRICT = 'message/external-body';

/**
 * Parses a media type that was received, with comments (RFC 2045 §5.1). A malformed or repeated parameter costs only
 * itself: `name=photo 1.jpg` is read up to the semicolon, and the first of repeated parameters is used.
 * @param warn reports such a parameter.
 */
export function readMediaType(
  text: string,
  warn: (problem: string) => void = () => {},
): MediaType | undefined {
  const strict = parse(text);
  if (strict) return strict;
  const lenient = parse(text, warn);
  return lenient?.type === STRICT ? undefined : lenient;
}

/** @param warn of a lenient reader; a strict one does not accept malformed parameters. */
function parse(text: string, warn?: (problem: string) => void): MediaType | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const cursor = new Cursor(text, warn !== undefined);
  cursor.blanks();
  const type = cursor.take(TOKEN_AT);
  cursor.blanks();
  if (!type || !cursor.skip('/')) return undefined;
  cursor.blanks();
  const subtype = cursor.take(TOKEN_AT);
  if (!subtype || type.includes('*') || subtype.includes('*')) return undefined;
  const parameters = parseParameters(cursor, warn);
  return parameters && { type: `${type}/${subtype}`.toLowerCase(), parameters };
}

function parseParameters(
  cursor: Cursor,
  warn?: (problem: string) => void,
): Record<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (;;) {
    cursor.blanks();
    // fromEntries creates own properties for names such as __proto__.
    if (cursor.done) return Object.fromEntries(parameters);
    if (!cursor.skip(';')) {
      if (!warn) return undefined;
      warn(malformed(cursor.take(REST)));
      continue;
    }
    cursor.blanks();
    // Some senders write a trailing semicolon.
    if (cursor.done) continue;
    const name = cursor.take(TOKEN_AT)?.toLowerCase();
    cursor.blanks();
    const value = name && cursor.skip('=') ? parseValue(cursor, warn) : undefined;
    // RFC 6838 §4.3: a parameter must not be repeated, because readers would use different values.
    if (name !== undefined && value !== undefined && !parameters.has(name)) parameters.set(name, value);
    else if (warn) warn(malformed(name));
    else return undefined;
  }
}

function parseValue(cursor: Cursor, warn?: (problem: string) => void): string | undefined {
  cursor.blanks();
  const start = cursor.at;
  const quoted = unquote(cursor.take(QUOTED));
  if (quoted !== undefined) return quoted;
  const token = cursor.take(TOKEN_AT);
  if (!warn) return token;
  cursor.blanks();
  if (cursor.take(REST) === undefined) return token;
  const text = cursor.text.slice(start, cursor.at).trim();
  warn(malformed(text));
  return token === undefined ? undefined : text;
}

function malformed(text = ''): string {
  return `malformed parameter ${JSON.stringify(text.slice(0, 40))}`;
}

function unquote(quoted: string | undefined): string | undefined {
  return quoted?.slice(1, -1).replace(/\\([\s\S])/g, '$1');
}

/** A Content-Type value: `text/plain;charset=utf-8`. Line ends become blanks. */
export function formatMediaType({ type, parameters }: MediaType): string {
  const formatted = Object.entries(parameters).map(([name, value]) => {
    if (isToken(value)) return `;${name}=${value}`;
    return `;${name}="${[...value].map(quotedCharacter).join('')}"`;
  });
  return type + formatted.join('');
}

/** RFC 3261 §25.1 allows no control character except a tab. */
function quotedCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return (character < ' ' && character !== '\t') || character === '\x7f' ? ' ' : character;
}

/** Whether `text` is a media type without parameters, or a range: `text/vnd.wap.sl`, `image/*`, `*\/*`. */
export function isMediaRange(text: string): boolean {
  const slash = text.indexOf('/');
  const type = text.slice(0, slash);
  const subtype = text.slice(slash + 1);
  if (slash < 1 || !isToken(type) || !isToken(subtype)) return false;
  if (type.includes('*')) return type === '*' && subtype === '*';
  return !subtype.includes('*') || subtype === '*';
}

/** Whether `range` (`image/*`) includes `type` (`image/png`). Case and parameters are ignored. */
export function matchesMediaRange(range: string, type: string): boolean {
  const wanted = range.toLowerCase();
  const essence = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (wanted === essence) return true;
  if (wanted === '*/*') return essence.includes('/');
  return wanted.endsWith('/*') && essence.startsWith(wanted.slice(0, -1));
}

/** Whether two ranges have a media type in common. */
export function mediaRangesOverlap(one: string, other: string): boolean {
  return matchesMediaRange(one, other) || matchesMediaRange(other, one);
}

class Cursor {
  at = 0;

  /** @param comments whether comments are blanks. */
  constructor(
    readonly text: string,
    private readonly comments: boolean,
  ) {}

  get done(): boolean {
    return this.at === this.text.length;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  blanks(): void {
    this.take(BLANKS);
    while (this.comments && this.text[this.at] === '(') {
      this.comment();
      this.take(BLANKS);
    }
  }

  /** Comments can be nested (RFC 5322 §3.2.2). */
  private comment(): void {
    let depth = 0;
    do {
      const character = this.text[this.at];
      if (character === '(') depth++;
      else if (character === ')') depth--;
      this.at += character === '\\' ? 2 : 1;
    } while (depth > 0 && this.at < this.text.length);
    this.at = Math.min(this.at, this.text.length);
  }
}
