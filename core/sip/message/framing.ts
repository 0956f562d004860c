/** Separates SIP messages in a byte stream (RFC 3261 §18.3), and the keep-alives between them (RFC 5626 §4.4.1). */

import { defined } from '../../defined.js';
import { trimBlanks } from './grammar.js';
import { MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, type MalformedSipError } from './malformed-message.js';

import { malformedHead } from './parser.js';

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;

/** Longest header name that can be Content-Length, with the blanks after it. */
const MAX_NAME_BYTES = 256;

const utf8 = new TextDecoder();

export interface FramerLimits {
  /** Start line and headers, bytes. */
  headerBytes: number;
  /** A whole message, bytes. */
  messageBytes: number;
}

export interface FramerHandlers {
  /** One whole message, for `parseMessage`. The framer does not change these bytes later. */
  onMessage(bytes: Uint8Array): void;
  /**
   * Reports a CRLF between messages as a pong, and a second one after it as a ping. A receiver that expects no pong
   * ignores it.
   */
  onKeepAlive(kind: 'ping' | 'pong'): void;
  /** The start of the next message is unknown: nothing more is reported, and the connection should be closed. */
  onError(error: MalformedSipError): void;
}

const DEFAULT_LIMITS: FramerLimits = { headerBytes: MAX_HEADER_BYTES, messageBytes: MAX_MESSAGE_BYTES };

/** Each byte is scanned once, however the stream is cut. A message that arrives in one piece is not copied. */
export class StreamFramer {
  readonly #limits: FramerLimits;
  readonly #handlers: FramerHandlers;
  /** Bytes not yet reported: the first `#length` of `#buffer`. */
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** `#buffer` is writable, and not a view of a pushed chunk. */
  #owned = false;
  /** Bytes of the headers that were searched for their end. */
  #scanned = 0;
  /** Size of the current message; 0 until its headers are complete. */
  #total = 0;
  #lineBreaks = 0;
  #failed = false;

  constructor(limits: Partial<FramerLimits> = {}, handlers: FramerHandlers) {
    this.#limits = { ...DEFAULT_LIMITS, ...defined(limits) };
    this.#handlers = handlers;
  }

  /** The caller must not change `chunk` later: messages are views of it. */
  push(chunk: Uint8Array): void {
    if (this.#failed || chunk.length === 0) return;
    this.#append(chunk);
    let at = 0;
    for (let next = this.#next(at); next > at && !this.#failed; next = this.#next(at)) at = next;
    if (this.#failed) this.#drop(this.#length);
    else this.#drop(at);
    // A few bytes of the next message must not keep the whole piece in memory.
    if (this.#length > 0 && !this.#owned && this.#length < this.#buffer.buffer.byteLength / 2)
      this.#own(this.#length);
  }

  /** Memory of the unfinished message, in bytes. */
  get held(): number {
    return this.#length === 0 ? 0 : this.#buffer.buffer.byteLength;
  }

  /** The buffer doubles in size, so that a message in a thousand pieces is not copied a thousand times. */
  #append(chunk: Uint8Array): void {
    if (this.#length === 0) {
      this.#buffer = chunk;
      this.#length = chunk.length;
      this.#owned = false;
      return;
    }
    const length = this.#length + chunk.length;
    if (!this.#owned || length > this.#buffer.length) this.#own(Math.max(length, this.#capacity()));
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** Twice the bytes so far, but no more than a message whose size is known. */
  #capacity(): number {
    return this.#total === 0 ? 2 * this.#length : Math.min(2 * this.#length, this.#total);
  }

  /** Copies the bytes into a buffer of `capacity`. */
  #own(capacity: number): void {
    const own = new Uint8Array(capacity);
    own.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = own;
    this.#owned = true;
  }

  /** Drops the bytes before `at`. Bytes of a reported message are never overwritten. */
  #drop(at: number): void {
    if (at === 0) return;
    this.#buffer = this.#buffer.subarray(at, this.#length);
    this.#length -= at;
    this.#owned = false;
  }

  /** Reports the message or keep-alive at `at`. @returns its end, or `at` if it is not complete. */
  #next(at: number): number {
    if (at >= this.#length) return at;
    // A stray line feed between messages: some peers end a body with one that Content-Length does not count.
    if (this.#scanned === 0 && this.#buffer[at] === LF) return at + 1;
    if (this.#scanned === 0 && this.#buffer[at] === CR) return this.#lineBreak(at);
    if (this.#total === 0 && !this.#findHeaderEnd(at)) return at;
    const end = at + this.#total;
    if (end > this.#length) return at;
    const message = this.#buffer.subarray(at, end);
    this.#scanned = 0;
    this.#total = 0;
    this.#lineBreaks = 0;
    this.#handlers.onMessage(message);
    return end;
  }

  #lineBreak(at: number): number {
    if (at + 1 === this.#length) return at;
    // A stray CR.
    if (this.#buffer[at + 1] !== LF) return at + 1;
    this.#lineBreaks++;
    this.#handlers.onKeepAlive(this.#lineBreaks % 2 === 0 ? 'ping' : 'pong');
    return at + 2;
  }

  /** Scans the bytes that were not scanned before. True if `#total` is known. */
  #findHeaderEnd(at: number): boolean {
    const { headerBytes, messageBytes } = this.#limits;
    // Without the free bytes of the buffer, which each piece of a message would search again.
    const bytes = this.#buffer.subarray(0, this.#length);
    for (let lf = bytes.indexOf(LF, at + this.#scanned); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
      if (lf - at < 3 || bytes[lf - 1] !== CR || bytes[lf - 2] !== LF || bytes[lf - 3] !== CR) continue;
      const head = bytes.subarray(at, lf + 1);
      if (head.length > headerBytes) break;
      const length = contentLength(head);
      if (length === undefined) {
        this.#fail(at, lf + 1, 400, 'no valid Content-Length: a message on a stream needs one');
        return false;
      }
      if (head.length + length > messageBytes) {
        this.#fail(
          at,
          lf + 1,
          513,
          `a message of ${head.length + length} bytes: expected at most ${messageBytes}`,
        );
        return false;
      }
      this.#total = head.length + length;
      return true;
    }
    this.#scanned = this.#length - at;
    if (this.#scanned > headerBytes) {
      this.#fail(at, this.#length, 513, `headers of more than ${headerBytes} bytes`);
    }
    return false;
  }

  #fail(from: number, to: number, status: number, reason: string): void {
    this.#failed = true;
    this.#handlers.onError(malformedHead(this.#buffer.subarray(from, to), status, reason));
  }
}

/** The value of Content-Length. Undefined if there is none, more than one, or a malformed one. */
function contentLength(head: Uint8Array): number | undefined {
  let found: number | undefined;
  for (let lf = head.indexOf(LF); lf >= 0; lf = head.indexOf(LF, lf + 1)) {
    const first = (head[lf + 1] ?? 0) | 0x20;
    if (first !== 0x6c && first !== 0x63) continue;
    const line = logicalLine(head, lf + 1);
    const match = /^(?:content-length|l)[ \t]*:([\s\S]*)$/i.exec(line);
    if (!match) continue;
    const text = trimBlanks((match[1] ?? '').replace(/\r\n/g, ''));
    if (found !== undefined || !/^[0-9]{1,15}$/.test(text)) return undefined;
    found = Number(text);
  }
  return found;
}

/** The Content-Length line at `from` and its continuation lines, with their line breaks; '' for another header. */
function logicalLine(head: Uint8Array, from: number): string {
  // Not the whole head: it can have thousands of lines without a colon.
  const length = head.subarray(from, from + MAX_NAME_BYTES + 1).indexOf(COLON);
  if (length < 0) return '';
  const colon = from + length;
  const name = utf8.decode(head.subarray(from, colon));
  if (!/^(?:content-length|l)[ \t]*$/i.test(name)) return '';
  let end = head.indexOf(LF, colon);
  while (end >= 0 && (head[end + 1] === SPACE || head[end + 1] === TAB)) end = head.indexOf(LF, end + 1);
  return utf8.decode(head.subarray(from, end + 1));
}
