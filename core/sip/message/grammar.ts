/**
 * Lexical rules that several headers share (RFC 3261 §25.1). Every function is one linear scan: the text comes from the
 * network, and a regular expression with two adjacent repetitions of blanks would need quadratic time.
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

/** Removes SP and HT. `trim()` would also remove U+FEFF and others, which are part of a value (RFC 4475 §3.1.1.2). */
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

/** Index after the closing quote of the quoted-string at `from`; -1 if it has no closing quote. */
export function endOfQuoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return -1;
}

/**
 * Index of the first comma at or after `from` that separates list elements: outside quoted-strings and angle brackets.
 * Without one, the length of the text.
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

/** The elements of a comma-separated list, without surrounding blanks and without empty elements. */
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

/** The text of a quoted-string without quotes and backslashes; other text unchanged. */
export function unquote(text: string): string {
  if (text.charCodeAt(0) !== QUOTE) return text;
  const inner = text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** Formats a quoted-string. It cannot contain CR or LF, escaped or not: each becomes a space. */
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
