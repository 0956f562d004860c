/** Frames of MSRP (RFC 4975 §7 and §9): requests, responses, and how they are written. */

import { platform } from '#platform';
import { MalformedError } from '../../errors.js';

/** The stream is not MSRP, and the start of the next frame is unknown: the connection must be closed. */
export class MalformedMsrpError extends MalformedError {
  static {
    MalformedMsrpError.prototype.name = 'MalformedMsrpError';
  }
}

/** `$` ends a message, `+` a chunk of it, `#` aborts the message. */
export type ContinuationFlag = '$' | '+' | '#';

/** The bytes of a message that a chunk contains (Byte-Range). */
export interface ByteRange {
  /** Position of the first byte, counted from 1. */
  start: number;
  /**
   * Position of the last byte, or undefined for `*`: the chunk ends at its end-line. An interrupted chunk is shorter.
   * One less than `start` for a message without bytes.
   */
  end: number | undefined;
  /** Size of the message, in bytes; undefined for `*`. */
  total: number | undefined;
}

/** A request without its body. */
export interface MsrpRequest {
  /** SEND, REPORT, AUTH, or another method. */
  method: string;
  transactionId: string;
  /** URIs as written, the next hop first. */
  toPath: readonly string[];
  /** URIs as written, the last hop first. */
  fromPath: readonly string[];
  /** All header fields but the paths. */
  headers: MsrpHeaders;
  /**
   * Of a received request: why it is answered 400. Its body is skipped; paths and headers that cannot be parsed are
   * missing.
   */
  malformed?: string;
}

export interface MsrpResponse {
  transactionId: string;
  /** Three digits. */
  status: number;
  /** Empty when absent. */
  comment: string;
  toPath: readonly string[];
  fromPath: readonly string[];
  headers: MsrpHeaders;
}

/** RFC 4975 §9: `hname = ALPHA *token`. */
const NAME = /^[A-Za-z][!#-'*+\-.0-9A-Z^_`a-z{|}~]*$/;

/** RFC 4975 §9: utf8text has no control characters but HTAB. */
const CONTROL = /[^\t\x20-\x7e\x80-\u{10ffff}]/u;

interface Field {
  readonly key: string;
  readonly name: string;
  value: string;
}

/** The header fields of a frame but To-Path and From-Path, in order. Names are case-insensitive. */
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
   * @throws MalformedError for an invalid name, and for a value with control characters.
   */
  set(name: string, value: string): this {
    if (!isHeaderName(name)) throw new MalformedError(`invalid header name ${JSON.stringify(name)}`);
    if (!isHeaderValue(value)) {
      throw new MalformedError(
        `invalid value of ${name} ${JSON.stringify(value)}: expected no control characters`,
      );
    }
    const field = this.#find(name);
    if (field) field.value = trimBlanks(value);
    else this.append(name, trimBlanks(value));
    return this;
  }

  /** Adds a value below the others. The parser has checked name and value. */
  append(name: string, value: string): void {
    this.#fields.push({ key: name.toLowerCase(), name, value });
  }

  /** Every line from the top, names as written. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const { name, value } of this.#fields) yield [name, value];
  }

  #find(name: string): Field | undefined {
    const key = name.toLowerCase();
    for (const field of this.#fields) if (field.key === key) return field;
    return undefined;
  }
}

export function isHeaderName(text: string): boolean {
  return NAME.test(text);
}

export function isHeaderValue(text: string): boolean {
  return !CONTROL.test(text);
}

/** A loop, because a regular expression is quadratic in a run of blanks. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && (text[start] === ' ' || text[start] === '\t')) start++;
  while (end > start && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text.slice(start, end);
}

const BYTE_RANGE = /^([0-9]+)-([0-9]+|\*)\/([0-9]+|\*)$/;

/** Byte-Range (RFC 4975 §7.1, §9). Undefined if it is malformed or impossible. */
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

/** Undefined for `*`, and without a match. */
function parseNumber(text: string): number | undefined {
  return text === '*' || text === '' ? undefined : Number(text);
}

/** RFC 4975 §7.1 requires 64 random bits. */
const TRANSACTION_ID_BYTES = 8;
/** RFC 4975 §14.1 requires 80 random bits: the identifier gives access to the session. */
const SESSION_ID_BYTES = 16;
const MESSAGE_ID_BYTES = 16;

/** RFC 4975 §9 has 4 to 32 characters; shorter and longer ones are harmless. */
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
 * RFC 4975 §7.1: the body must not contain the end-line of its chunk. This is stricter: it must not contain the identifier,
 * which takes one search and protects parsers that accept other spellings of an end-line.
 *
 * @param before the previous piece of the body: the identifier can begin there.
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

/** A new identifier that is not in any of these pieces, nor across two neighbours. */
export function transactionIdFor(...body: readonly Uint8Array[]): string {
  for (;;) {
    const id = newTransactionId();
    if (!body.some((piece, at) => holdsTransactionId(id, piece, body[at - 1]))) return id;
  }
}

/**
 * The bytes of a request before its body, or before its end-line. A chunk is `requestHead`, the body, and `endLine`.
 * @throws MalformedError for an invalid request.
 */
export function requestHead(request: MsrpRequest, hasBody: boolean): Uint8Array {
  const { method, transactionId, headers } = request;
  if (!/^[A-Z]+$/.test(method))
    throw new MalformedError(`invalid method ${JSON.stringify(method)}: expected upper-case letters`);
  requireTransactionId(transactionId);
  requirePaths(request);
  const head = `MSRP ${transactionId} ${method}\r\n${pathLines(request)}${headerLines(headers)}`;
  return encoder.encode(hasBody ? `${head}\r\n` : head);
}

/** @param hasBody the same as for `requestHead`, even if the body is empty. */
export function endLine(transactionId: string, flag: ContinuationFlag, hasBody: boolean): Uint8Array {
  return encoder.encode(`${hasBody ? '\r\n' : ''}-------${transactionId}${flag}\r\n`);
}

/**
 * A whole response. Nothing is checked: the parser has checked the identifier and the paths of the request.
 * @param response its comment fits into a line (`asComment`).
 */
export function responseFrame(response: Omit<MsrpResponse, 'headers'>): Uint8Array {
  const { transactionId, status, comment } = response;
  const start = `MSRP ${transactionId} ${String(status).padStart(3, '0')}`;
  return encoder.encode(
    `${comment === '' ? start : `${start} ${comment}`}\r\n${pathLines(response)}-------${transactionId}$\r\n`,
  );
}

function requireTransactionId(transactionId: string): void {
  if (isTransactionId(transactionId)) return;
  throw new MalformedError(`invalid transaction identifier ${JSON.stringify(transactionId)}`);
}

type Paths = Pick<MsrpRequest, 'toPath' | 'fromPath'>;

function requirePaths({ toPath, fromPath }: Paths): void {
  if (toPath.length === 0 || fromPath.length === 0)
    throw new MalformedError('a path is empty: expected one URI or more');
  for (const uri of [...toPath, ...fromPath]) {
    if (uri === '' || /[^!-~]/.test(uri)) throw new MalformedError(`invalid MSRP URI ${JSON.stringify(uri)}`);
  }
}

function pathLines({ toPath, fromPath }: Paths): string {
  return `To-Path: ${toPath.join(' ')}\r\nFrom-Path: ${fromPath.join(' ')}\r\n`;
}

/** RFC 4975 §9: headers of the content follow those of MSRP, and Content-Type is the last. */
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
