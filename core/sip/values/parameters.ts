/** Parameters of a header value: `;tag=1928;expires=60;+sip.instance="<urn:uuid:…>"`. */

import { endOfQuoted, isBlank, isToken, quote, skipBlanks, unquote } from '../message/grammar.js';

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const EQUAL = 0x3d;

/** Text a generic value may be without quotes: token or host (RFC 3261 25.1, gen-value), an IPv6 reference included. */
const BARE_VALUE = /^(?:[A-Za-z0-9\-.!%*_+`'~]+|\[[0-9A-Fa-f:.]+\])$/;

/** Names are compared without regard to case; values are kept as written and given without their quotes. */
export class Parameters {
  readonly #values = new Map<string, { name: string; raw: string | undefined }>();

  /** Undefined when absent; '' when present without a value. */
  get(name: string): string | undefined {
    const found = this.#values.get(name.toLowerCase());
    return found && (found.raw === undefined ? '' : unquote(found.raw));
  }

  /** The value as written, quotes included. */
  raw(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())?.raw;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  /** Puts quotes around a value that needs them. */
  set(name: string, value?: string): this {
    return this.setRaw(name, value === undefined || BARE_VALUE.test(value) ? value : quote(value));
  }

  /** A value as it shall be written: a quoted-string, a token or a host. */
  setRaw(name: string, raw?: string): this {
    this.#values.set(name.toLowerCase(), { name, raw });
    return this;
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  get size(): number {
    return this.#values.size;
  }

  /** In order; names as written, values as written. */
  *entries(): IterableIterator<[name: string, raw: string | undefined]> {
    for (const { name, raw } of this.#values.values()) yield [name, raw];
  }

  toString(): string {
    let text = '';
    for (const { name, raw } of this.#values.values())
      text += raw === undefined ? `;${name}` : `;${name}=${raw}`;
    return text;
  }
}

/**
 * Parses `text` from `from` to its end. Undefined when it is malformed, or a parameter stands twice
 * (RFC 3261 7.3.1).
 *
 * With `lenient`, the typing errors of the push sample flows (OMA-TS-SIP_Push appendix B) are understood where
 * nothing else can be meant: a semicolon left out after a quoted value, a comma in its place before a `+tag`,
 * one semicolon too many at the end.
 */
export function parseParameters(text: string, from: number, lenient = false): Parameters | undefined {
  const parameters = new Parameters();
  let at = skipBlanks(text, from);
  let separated = false;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === SEMICOLON || (lenient && code === COMMA && startsFeatureTag(text, at + 1))) {
      if (separated) return undefined;
      separated = true;
      at = skipBlanks(text, at + 1);
      continue;
    }
    if (!separated && !(lenient && startsFeatureTag(text, at))) return undefined;
    separated = false;

    const nameEnd = endOfWord(text, at);
    const name = text.slice(at, nameEnd);
    if (!isToken(name) || parameters.has(name)) return undefined;
    at = skipBlanks(text, nameEnd);
    if (text.charCodeAt(at) !== EQUAL) {
      parameters.setRaw(name);
      continue;
    }
    at = skipBlanks(text, at + 1);
    const valueEnd = text.charCodeAt(at) === QUOTE ? endOfQuoted(text, at) : endOfValue(text, at);
    if (valueEnd <= at) return undefined;
    parameters.setRaw(name, text.slice(at, valueEnd));
    at = skipBlanks(text, valueEnd);
  }
  return separated && !lenient ? undefined : parameters;
}

function endOfWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== EQUAL && !endsValue(text.charCodeAt(at))) at++;
  return at;
}

/** `gr=urn:uuid:…` and base64 with its `=` go beyond a token, so a value runs to the next separator, not to the next odd character. */
function endOfValue(text: string, from: number): number {
  let at = from;
  while (at < text.length && !endsValue(text.charCodeAt(at))) at++;
  return at;
}

function endsValue(code: number): boolean {
  return code === SEMICOLON || code === COMMA || code === QUOTE || isBlank(code);
}

function startsFeatureTag(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB) at++;
  return text.charCodeAt(at) === PLUS;
}

/** Seconds as Expires, Min-Expires and Retry-After have them (RFC 3261 25.1, delta-seconds). */

/**
 * `120`, and `120 (in a minute or two);duration=60` of a Retry-After. Whole, and as large as a peer likes: bound it
 * before a timer is made of it. Undefined for anything else.
 */
export function parseDeltaSeconds(text: string | undefined): number | undefined {
  const digits = /^([0-9]+)[ \t]*(?:[(;]|$)/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
