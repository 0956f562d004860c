/** The header fields of an MSRP request or response but To-Path and From-Path, in order. */

import { MalformedError } from '../errors.js';

/** RFC 4975 9: `hname = ALPHA *token`. */
const NAME = /^[A-Za-z][!#-'*+\-.0-9A-Z^_`a-z{|}~]*$/;

/** RFC 4975 9: utf8text holds no control characters but HTAB, CR and LF least of all. */
const CONTROL = /[^\t\x20-\x7e\x80-\u{10ffff}]/u;

interface Field {
  readonly key: string;
  readonly name: string;
  value: string;
}

/** Names are compared without regard to case; values have no blanks around them. */
export class MsrpHeaders {
  readonly #fields: Field[] = [];

  /** The first value. */
  get(name: string): string | undefined {
    return this.#find(name)?.value;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /**
   * Replaces the first value, or adds one.
   * @throws MalformedError for a name that is none, and for a value that would break its line.
   */
  set(name: string, value: string): this {
    if (!isHeaderName(name)) throw new MalformedError(`${JSON.stringify(name)} is not a header name`);
    if (!isHeaderValue(value)) {
      throw new MalformedError(`${name}: a value cannot hold ${JSON.stringify(value)}`);
    }
    const field = this.#find(name);
    if (field) field.value = trimBlanks(value);
    else this.append(name, trimBlanks(value));
    return this;
  }

  /** Adds a value below the others. For the parser: name and value have been checked. */
  append(name: string, value: string): void {
    this.#fields.push({ key: name.toLowerCase(), name, value });
  }

  /** Every line, from the top, names as they were written. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const { name, value } of this.#fields) yield [name, value];
  }

  #find(name: string): Field | undefined {
    const key = name.toLowerCase();
    return this.#fields.find((field) => field.key === key);
  }
}

export function isHeaderName(text: string): boolean {
  return NAME.test(text);
}

export function isHeaderValue(text: string): boolean {
  return !CONTROL.test(text);
}

/** A loop: the regular expression for it is quadratic in a row of blanks. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
