/** The head of a frame: start line and headers, up to an empty line or the end-line (RFC 4975 §9). */

import {
  isHeaderName,
  isHeaderValue,
  isTransactionId,
  MalformedMsrpError,
  MsrpHeaders,
  type MsrpRequest,
  type MsrpResponse,
  trimBlanks,
} from './frame.js';
import { parsePath } from './uri.js';

const CR = 0x0d;
const LF = 0x0a;
const START = new TextEncoder().encode('MSRP ');

export interface RawHead {
  /** Start line, headers, and one more line: empty, of hyphens, or beyond the limit a part of a header. */
  bytes: Uint8Array;
  /** Offset of that last line. */
  lastLine: number;
  /** The head exceeds the limit. */
  tooLong: boolean;
}

/** Finds the head in a byte stream. It reads bytes once, and copies only a head that arrives in several pieces. */
export class HeadReader {
  /** The previous pieces, in its first `#length` bytes. */
  #buffer = new Uint8Array(0);
  #length = 0;
  /** Length of the incomplete line. */
  #lineLength = 0;
  #lineStartsWith: number | undefined;
  readonly #limit: number;

  /** @param limit size of start line and headers, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Memory of an unfinished head, in bytes. */
  get held(): number {
    return this.#length === 0 ? 0 : this.#buffer.length;
  }

  /**
   * @returns the offset of the next unread byte, and the head if it is complete.
   * @throws MalformedMsrpError as soon as the bytes cannot be a frame.
   */
  push(bytes: Uint8Array, from: number): { next: number; head?: RawHead } {
    const start = this.#length === 0 ? skipLineBreaks(bytes, from) : from;
    this.#checkStart(bytes, start);
    let at = start;
    while (at < bytes.length) {
      const lf = bytes.indexOf(LF, at);
      const lineEnd = lf < 0 ? bytes.length : lf + 1;
      if (this.#lineLength === 0) this.#lineStartsWith = bytes[at];
      this.#lineLength += lineEnd - at;
      at = lineEnd;
      const tooLong = this.#length + at - start > this.#limit;
      if (tooLong || (lf >= 0 && this.#endsHead())) {
        return { next: at, head: this.#head(bytes.subarray(start, at), tooLong) };
      }
      if (lf >= 0) this.#lineLength = 0;
    }
    this.#keep(bytes.subarray(start));
    return { next: at };
  }

  #checkStart(bytes: Uint8Array, from: number): void {
    for (let at = from; at < bytes.length && this.#length + at - from < START.length; at++) {
      if (bytes[at] !== START[this.#length + at - from])
        throw new MalformedMsrpError('invalid start of a frame: expected "MSRP "');
    }
  }

  #endsHead(): boolean {
    return (this.#lineLength === 2 && this.#lineStartsWith === CR) || this.#lineStartsWith === HYPHEN;
  }

  #head(piece: Uint8Array, tooLong: boolean): RawHead {
    const whole = this.#length === 0 ? piece : this.#keep(piece);
    const lastLine = whole.length - this.#lineLength;
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    this.#lineLength = 0;
    return { bytes: whole, lastLine, tooLong };
  }

  /** Appends a piece. The buffer doubles, so that a head in a hundred pieces is not copied a hundred times. */
  #keep(piece: Uint8Array): Uint8Array {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(Math.max(length, 2 * this.#length));
      buffer.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = buffer;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
    return this.#buffer.subarray(0, length);
  }
}

/** Line breaks between two frames: not allowed, but unambiguous. */
function skipLineBreaks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at;
}

// A byte order mark is ordinary text.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const START_LINE = /^MSRP ([^ \r\n]+) ([^ \r\n]+)(?: ([^\r\n]*))?$/;
const STATUS = /^[0-9]{3}$/;
const METHOD = /^[A-Z]+$/;

/** A frame with two of one of these is ambiguous. */
const SINGLE = new Set([
  ...['to-path', 'from-path', 'message-id', 'byte-range', 'status', 'success-report', 'failure-report'],
  'content-type',
]);

const NO_PATH: readonly string[] = [];

/** Parses heads. Malformed requests can be answered; only a start line without a transaction identifier cannot. */
export class HeadParser {
  readonly #toPath = new PathReader();
  readonly #fromPath = new PathReader();
  readonly #maxHeaders: number;

  constructor(maxHeaders: number) {
    this.#maxHeaders = maxHeaders;
  }

  /**
   * @param bytes start line and headers, each with its CRLF.
   * @param problem a known fault.
   * @throws MalformedMsrpError
   */
  parse(bytes: Uint8Array, problem?: string): MsrpRequest | MsrpResponse {
    const { text, fault } = decode(bytes);
    const firstEnd = text.indexOf('\r\n');
    const [line, transactionId = '', second = '', third = ''] =
      START_LINE.exec(text.slice(0, Math.max(firstEnd, 0))) ?? [];
    if (line === undefined || !isTransactionId(transactionId))
      throw new MalformedMsrpError('malformed start line');
    const headers = new MsrpHeaders();
    const read = { toPath: NO_PATH, fromPath: NO_PATH, headers };
    const lineFault = this.#readHeaders(text, firstEnd + 2, read);
    if (STATUS.test(second)) {
      // The identifier and the status of a response are enough, and faults cannot be answered.
      return { transactionId, status: Number(second), comment: third, ...read };
    }
    const malformed = problem ?? fault ?? startFault(second, third) ?? lineFault ?? pathFault(read);
    return { method: second, transactionId, ...read, malformed };
  }

  /** Reads the header lines of `text` from `from` into `read`. @returns the first fault. */
  #readHeaders(
    text: string,
    from: number,
    read: { toPath: readonly string[]; fromPath: readonly string[]; headers: MsrpHeaders },
  ): string | undefined {
    let fault: string | undefined;
    const seen = new Set<string>();
    let count = 0;
    for (let at = from; at < text.length; count++) {
      if (count === this.#maxHeaders) return fault ?? `more than ${this.#maxHeaders} headers`;
      const lineEnd = text.indexOf('\r\n', at);
      const line = text.slice(at, lineEnd < 0 ? text.length : lineEnd);
      at += line.length + 2;
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(colon, 0));
      const value = trimBlanks(line.slice(colon + 1));
      if (!isHeaderName(name) || !isHeaderValue(value)) {
        fault ??= 'an invalid header line';
        continue;
      }
      const key = name.toLowerCase();
      if (SINGLE.has(key)) {
        if (seen.has(key)) fault ??= `${name} occurs twice`;
        seen.add(key);
      }
      if (key === 'to-path') read.toPath = this.#toPath.read(value);
      else if (key === 'from-path') read.fromPath = this.#fromPath.read(value);
      else read.headers.append(name, value);
    }
    return fault;
  }
}

function decode(bytes: Uint8Array): { text: string; fault?: string } {
  try {
    return { text: strictUtf8.decode(bytes) };
  } catch {
    return { text: lenientUtf8.decode(bytes), fault: 'the headers are not UTF-8' };
  }
}

function startFault(method: string, rest: string): string | undefined {
  return METHOD.test(method) && rest === '' ? undefined : 'malformed start line';
}

function pathFault({ toPath, fromPath }: Pick<MsrpRequest, 'toPath' | 'fromPath'>): string | undefined {
  if (toPath.length === 0) return 'a missing or malformed To-Path';
  return fromPath.length === 0 ? 'a missing or malformed From-Path' : undefined;
}

/** Caches the last path: on most connections all frames have the same one. */
class PathReader {
  #text = '';
  #uris = NO_PATH;

  /** The URIs as written; none if one of them is malformed. */
  read(text: string): readonly string[] {
    if (text !== this.#text) {
      this.#text = text;
      this.#uris = parsePath(text) ? text.split(/[ \t]+/) : NO_PATH;
    }
    return this.#uris;
  }
}

export const HYPHEN = 0x2d;
