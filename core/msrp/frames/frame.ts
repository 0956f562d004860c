/** What the network sent is not MSRP, and where the next frame starts cannot be told: the connection has to go. */

import { MalformedError } from '../../errors.js';

export class MalformedMsrp extends MalformedError {}

/** What goes over an MSRP connection (RFC 4975 7): requests, whose bodies come apart from them, and responses. */

/** `$` ends a message, `+` a chunk of it, `#` gives the message up. */
export type ContinuationFlag = '$' | '+' | '#';

/** Which bytes of a message a chunk carries (Byte-Range). */
export interface ByteRange {
  /** Of the first byte, counted from 1. */
  start: number;
  /**
   * Of the last byte, or undefined for `*`: the chunk goes as far as its end-line. A chunk that was interrupted is
   * shorter than this says. One less than `start` where a message has no bytes.
   */
  end: number | undefined;
  /** Bytes of the whole message; undefined for `*`. */
  total: number | undefined;
}

/** A request without its body. */
export interface MsrpRequest {
  /** SEND, REPORT, AUTH, or whatever else the peer wrote. */
  method: string;
  transactionId: string;
  /** URIs as written, the next hop first. */
  toPath: readonly string[];
  /** URIs as written, the last hop first. */
  fromPath: readonly string[];
  /** All others. */
  headers: MsrpHeaders;
  /**
   * Of one that was received: why it is to be answered 400. Its body is skipped; paths are empty and headers are
   * missing where they cannot be read.
   */
  malformed?: string;
}

export interface MsrpResponse {
  transactionId: string;
  /** Three digits. */
  status: number;
  /** Empty where there is none. */
  comment: string;
  toPath: readonly string[];
  fromPath: readonly string[];
  headers: MsrpHeaders;
}

/** The header fields of an MSRP request or response but To-Path and From-Path, in order. */

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

/** Byte-Range (RFC 4975 7.1, 9): which bytes of a message a chunk carries. */

const BYTE_RANGE = /^([0-9]+)-([0-9]+|\*)\/([0-9]+|\*)$/;

/** Undefined where it is malformed, or can be of no message. */
export function parseByteRange(value: string): ByteRange | undefined {
  const [, first = '', last = '', whole = ''] = BYTE_RANGE.exec(value) ?? [];
  const start = parseNumber(first);
  const end = parseNumber(last);
  const total = parseNumber(whole);
  if (start === undefined || start === 0) return undefined;
  const numbers = [start, end ?? 0, total ?? 0];
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  if (end !== undefined && end < start - 1) return undefined;
  if (total !== undefined && (end ?? start - 1) > total) return undefined;
  return { start, end, total };
}

export function formatByteRange({ start, end, total }: ByteRange): string {
  return `${start}-${end ?? '*'}/${total ?? '*'}`;
}

/** Undefined for `*`, and for what did not match. */
function parseNumber(text: string): number | undefined {
  return text === '*' || text === '' ? undefined : Number(text);
}
