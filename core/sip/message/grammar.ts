/**
 * Lexical rules of RFC 3261 section 25.1 that several headers share. Every function is one linear scan:
 * the text comes from the network, and a regular expression with two neighbouring repetitions of blanks
 * would be quadratic in it.
 */

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const LESS_THAN = 0x3c;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** `trim()` also takes U+FEFF and friends, which are part of a value (RFC 4475 3.1.1.2): only SP and HT go. */
export function trimBlanks(text: string, from = 0, to = text.length): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** Index after the closing quote of the quoted-string that opens at `from`; -1 when it never closes. */
export function endOfQuoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return -1;
}

/**
 * Index of the first comma at or after `from` that separates list elements: outside quoted-strings and
 * angle brackets. The length of the text when there is none.
 */
export function endOfElement(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case COMMA:
        return at;
      case QUOTE: {
        const end = endOfQuoted(text, at);
        if (end < 0) return text.length;
        at = end - 1;
        break;
      }
      case LESS_THAN: {
        const end = text.indexOf('>', at);
        if (end < 0) return text.length;
        at = end;
        break;
      }
    }
  }
  return text.length;
}

/** The elements of a comma-separated list, without blanks around them; empty elements are left out. */
export function splitList(text: string): string[] {
  const elements: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfElement(text, at);
    const element = trimBlanks(text, at, end);
    if (element !== '') elements.push(element);
    at = end + 1;
  }
  return elements;
}

/** What a quoted-string means, quotes and backslashes taken off; any other text as it is. */
export function unquote(text: string): string {
  if (text.charCodeAt(0) !== QUOTE) return text;
  const inner = text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** A quoted-string. CR and LF cannot stand in one, escaped or not: each becomes a blank. */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    if (character === '\r' || character === '\n') quoted += ' ';
    else if (needsBackslash(character)) quoted += `\\${character}`;
    else quoted += character;
  }
  return `${quoted}"`;
}

function needsBackslash(character: string): boolean {
  const code = character.charCodeAt(0);
  return code === QUOTE || code === BACKSLASH || code === DELETE || (code < SPACE && code !== TAB);
}
