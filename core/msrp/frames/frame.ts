/** What the network sent is not MSRP, and where the next frame starts cannot be told: the connection has to go. */

import { platform } from '#platform';
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

/** Transaction, session and message identifiers (RFC 4975 7.1, 14.1). */

/** RFC 4975 7.1 asks for 64 random bits. */
const TRANSACTION_ID_BYTES = 8;
/** RFC 4975 14.1 asks for 80: whoever guesses it has the session. */
const SESSION_ID_BYTES = 16;
const MESSAGE_ID_BYTES = 16;

/** RFC 4975 9 has 4 to 32 characters: shorter and longer ones harm nobody. */
const IDENT = /^[A-Za-z0-9][A-Za-z0-9.\-+%=]{0,63}$/;

const encoder = new TextEncoder();

export function isTransactionId(text: string): boolean {
  return IDENT.test(text);
}

export function newTransactionId(): string {
  return platform.randomHex(TRANSACTION_ID_BYTES);
}

export function newSessionId(): string {
  return platform.randomHex(SESSION_ID_BYTES);
}

export function newMessageId(): string {
  return platform.randomHex(MESSAGE_ID_BYTES);
}

/**
 * RFC 4975 7.1: an end-line of the chunk must not stand in its body. We ask for more, that the identifier itself
 * does not: one search, and no reader takes anything for the end, however it spells it.
 *
 * @param before what was sent of the body just before: the identifier may begin there
 */
export function holdsTransactionId(transactionId: string, body: Uint8Array, before?: Uint8Array): boolean {
  const pattern = encoder.encode(transactionId);
  if (platform.indexOf(body, pattern) >= 0) return true;
  const across = pattern.length - 1;
  if (before === undefined || across === 0) return false;
  const head = before.subarray(Math.max(0, before.length - across));
  const seam = new Uint8Array(head.length + Math.min(across, body.length));
  seam.set(head);
  seam.set(body.subarray(0, across), head.length);
  return platform.indexOf(seam, pattern) >= 0;
}

/** A new identifier that does not stand in any of these pieces, nor across two neighbours. */
export function transactionIdFor(...body: readonly Uint8Array[]): string {
  for (;;) {
    const id = newTransactionId();
    if (!body.some((piece, at) => holdsTransactionId(id, piece, body[at - 1]))) return id;
  }
}

/** Frames to bytes (RFC 4975 7 and 9). A chunk is `requestHead`, its body as it is, and `endLine`. */

/**
 * All that stands before the body; before the end-line, where there is none.
 * @throws MalformedError for what would not be a request.
 */
export function requestHead(request: MsrpRequest, hasBody: boolean): Uint8Array {
  const { method, transactionId, headers } = request;
  if (!/^[A-Z]+$/.test(method)) throw new MalformedError(`${JSON.stringify(method)} is no method`);
  const head = `MSRP ${checkedId(transactionId)} ${method}\r\n${paths(request)}${headerLines(headers)}`;
  return encoder.encode(hasBody ? `${head}\r\n` : head);
}

/** @param hasBody true where `requestHead` was told so, also when the body had no bytes */
export function endLine(transactionId: string, flag: ContinuationFlag, hasBody: boolean): Uint8Array {
  return encoder.encode(`${hasBody ? '\r\n' : ''}-------${transactionId}${flag}\r\n`);
}

/** @throws MalformedError for what would not be a response. */
export function responseFrame(response: MsrpResponse): Uint8Array {
  const { transactionId, status, comment, headers } = response;
  if (!Number.isInteger(status) || status < 0 || status > 999 || !isHeaderValue(comment)) {
    throw new MalformedError(`${JSON.stringify(`${status} ${comment}`)} is no status and comment`);
  }
  const start = `MSRP ${checkedId(transactionId)} ${String(status).padStart(3, '0')}`;
  return encoder.encode(
    `${comment === '' ? start : `${start} ${comment}`}\r\n` +
      `${paths(response)}${headerLines(headers)}-------${transactionId}$\r\n`,
  );
}

function checkedId(transactionId: string): string {
  if (isTransactionId(transactionId)) return transactionId;
  throw new MalformedError(`${JSON.stringify(transactionId)} is no transaction identifier`);
}

function paths({ toPath, fromPath }: Pick<MsrpRequest, 'toPath' | 'fromPath'>): string {
  if (toPath.length === 0 || fromPath.length === 0) throw new MalformedError('a path without a URI');
  for (const uri of [...toPath, ...fromPath]) {
    if (uri === '' || /[^!-~]/.test(uri)) throw new MalformedError(`${JSON.stringify(uri)} is no MSRP URI`);
  }
  return `To-Path: ${toPath.join(' ')}\r\nFrom-Path: ${fromPath.join(' ')}\r\n`;
}

/** RFC 4975 9: the headers of the content come after those of MSRP, and Content-Type last of all. */
function headerLines(headers: MsrpHeaders): string {
  let own = '';
  let content = '';
  let type = '';
  for (const [name, value] of headers.entries()) {
    const line = `${name}: ${value}\r\n`;
    if (/^content-type$/i.test(name)) type += line;
    else if (/^content-/i.test(name)) content += line;
    else own += line;
  }
  return own + content + type;
}
