/** Parameters of a header value: `;tag=1928;expires=60;+sip.instance="<urn:uuid:…>"`. */

import { endOfQuoted, isToken, quote, skipBlanks, unquote } from '../message/grammar.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUAL = 0x3d;

/** A value that needs no quotes: token or host (RFC 3261 §25.1, gen-value), including an IPv6 reference. */
const BARE_VALUE = /^(?:[A-Za-z0-9\-.!%*_+`'~]+|\[[0-9A-Fa-f:.]+\])$/;

/** One call of a sticky expression finds the end of a word, instead of one call for each character. */
const NAME = /[^=;,"\t ]*/y;
/** Values exceed a token (`gr=urn:uuid:…`, base64 with `=`), so a value ends at the next separator. */
const VALUE = /[^;,"\t ]*/y;
const FEATURE_TAG = /[\t ]*\+/y;

/** Names are compared without case. Values are kept as written, and read without their quotes. */
export class Parameters {
  readonly #values = new Map<string, { name: string; raw: string | undefined }>();

  /** Undefined if absent; '' if present without a value. */
  get(name: string): string | undefined {
    const found = this.#values.get(name.toLowerCase());
    return found && (found.raw === undefined ? '' : unquote(found.raw));
  }

  /** The value as written, with its quotes. */
  raw(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())?.raw;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  /** Quotes the value if necessary. */
  set(name: string, value?: string): this {
    return this.setRaw(name, value === undefined || BARE_VALUE.test(value) ? value : quote(value));
  }

  /** Sets a value as it is written: a quoted-string, a token or a host. */
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

  /** In order; names and values as written. */
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
 * Parses `text` from `from` to its end. Undefined if it is malformed, or a parameter occurs twice (RFC 3261 §7.3.1).
 *
 * With `lenient`, the typing errors of the push sample flows (OMA-TS-SIP_Push appendix B) are accepted where only one
 * meaning is possible: a missing semicolon after a quoted value, a comma in its place before a `+tag`, an extra semicolon
 * at the end.
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

    const nameEnd = endOf(NAME, text, at);
    const name = text.slice(at, nameEnd);
    if (!isToken(name) || parameters.has(name)) return undefined;
    at = skipBlanks(text, nameEnd);
    if (text.charCodeAt(at) !== EQUAL) {
      parameters.setRaw(name);
      continue;
    }
    at = skipBlanks(text, at + 1);
    const valueEnd = text.charCodeAt(at) === QUOTE ? endOfQuoted(text, at) : endOf(VALUE, text, at);
    if (valueEnd <= at) return undefined;
    parameters.setRaw(name, text.slice(at, valueEnd));
    at = skipBlanks(text, valueEnd);
  }
  return separated && !lenient ? undefined : parameters;
}

function endOf(word: RegExp, text: string, from: number): number {
  word.lastIndex = from;
  word.test(text);
  return word.lastIndex;
}

function startsFeatureTag(text: string, from: number): boolean {
  FEATURE_TAG.lastIndex = from;
  return FEATURE_TAG.test(text);
}

/**
 * The delta-seconds of Expires, Min-Expires and Retry-After (RFC 3261 §25.1): `120`, or
 * `120 (in a minute or two);duration=60`. Undefined if the value is malformed. The number can have 53 bits: limit it before
 * it becomes a timer.
 */
export function parseDeltaSeconds(text: string | undefined): number | undefined {
  const digits = /^([0-9]+)[ \t]*(?:[(;]|$)/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}
