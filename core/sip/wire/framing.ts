/** SIP messages out of a byte stream (RFC 3261 18.3, keep-alives of RFC 5626 4.4.1). */

import { trimBlanks } from '../message/grammar.js';
import { MAX_HEADER_BYTES, MAX_MESSAGE_BYTES } from '../message/message.js';
import { type MalformedSip, malformedHead } from './parser.js';

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;

/** Longest spelling of `Content-Length` that is looked into: blanks may follow the name. */
const MAX_NAME_BYTES = 256;

const utf8 = new TextDecoder();

export interface FramerLimits {
  /** Start line and headers, bytes. */
  headerBytes: number;
  /** A whole message, bytes. */
  messageBytes: number;
}

export interface FramerHandlers {
  /** One whole message, for parseMessage. The bytes are the receiver's to keep. */
  onMessage(bytes: Uint8Array): void;
  /**
   * A CRLF between messages is a pong; a second one right after it makes both a ping, and is reported so. Until
   * then nobody can tell: whoever expects no pong ignores it, and either one shows that the peer is alive.
   */
  onKeepAlive(kind: 'ping' | 'pong'): void;
  /** Where the next message starts is unknown from here on: nothing more is reported, the connection should close. */
  onError(error: MalformedSip): void;
}

const DEFAULT_LIMITS: FramerLimits = { headerBytes: MAX_HEADER_BYTES, messageBytes: MAX_MESSAGE_BYTES };

/** Bytes are looked at once, however they are cut; those of a message that came in one piece are not copied. */
export class StreamFramer {
  readonly #limits: FramerLimits;
  readonly #handlers: FramerHandlers;
  /** Bytes not yet reported: the first `#length` of `#buffer`. */
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** True when `#buffer` is ours to write to, false when it is a piece of what was pushed. */
  #owned = false;
  /** How much of the headers was searched for their end. */
  #scanned = 0;
  /** Bytes of the message under way; 0 until its headers are complete. */
  #total = 0;
  #lineBreaks = 0;
  #failed = false;

  constructor(limits: Partial<FramerLimits> = {}, handlers: FramerHandlers) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#handlers = handlers;
  }

  /** `chunk` is the framer's from here on: messages are views of it. */
  push(chunk: Uint8Array): void {
    if (this.#failed || chunk.length === 0) return;
    this.#take(chunk);
    let at = 0;
    for (let next = this.#next(at); next > at && !this.#failed; next = this.#next(at)) at = next;
    if (this.#failed) this.#drop(this.#length);
    else this.#drop(at);
  }

  /** Appends, with room that doubles, so that a message in a thousand pieces is not copied a thousand times. */
  #take(chunk: Uint8Array): void {
    if (this.#length === 0) {
      this.#buffer = chunk;
      this.#length = chunk.length;
      this.#owned = false;
      return;
    }
    const length = this.#length + chunk.length;
    if (!this.#owned || length > this.#buffer.length) {
      const room = new Uint8Array(Math.max(length, 2 * this.#length));
      room.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = room;
      this.#owned = true;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** Forgets the bytes before `at`. What was given away is never written to again. */
  #drop(at: number): void {
    if (at === 0) return;
    this.#buffer = this.#buffer.subarray(at, this.#length);
    this.#length -= at;
    this.#owned = false;
  }

  /** Reports what starts at `at`; its end, or `at` when there is not enough of it yet. */
  #next(at: number): number {
    if (at >= this.#length) return at;
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
    if (this.#buffer[at + 1] !== LF) {
      this.#fail(at, this.#length, 400, 'CR alone where a message should start');
      return at;
    }
    this.#lineBreaks++;
    this.#handlers.onKeepAlive(this.#lineBreaks % 2 === 0 ? 'ping' : 'pong');
    return at + 2;
  }

  /** Looks at the bytes that were not looked at before. True when `#total` is known. */
  #findHeaderEnd(at: number): boolean {
    const { headerBytes, messageBytes } = this.#limits;
    const bytes = this.#buffer;
    for (
      let lf = bytes.indexOf(LF, at + this.#scanned);
      lf >= 0 && lf < this.#length;
      lf = bytes.indexOf(LF, lf + 1)
    ) {
      if (lf - at < 3 || bytes[lf - 1] !== CR || bytes[lf - 2] !== LF || bytes[lf - 3] !== CR) continue;
      const head = bytes.subarray(at, lf + 1);
      if (head.length > headerBytes) break;
      const length = contentLength(head);
      if (length === undefined) {
        this.#fail(at, lf + 1, 400, 'no Content-Length, or not one alone; a stream cannot be read without');
        return false;
      }
      if (head.length + length > messageBytes) {
        this.#fail(
          at,
          lf + 1,
          513,
          `a message of ${head.length + length} bytes; at most ${messageBytes} are taken`,
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

/** The value of the one Content-Length of these headers. Undefined when there is none, several, or a malformed one. */
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

/** The Content-Length line at `from` with those that continue it, their line breaks included; '' for another header. */
function logicalLine(head: Uint8Array, from: number): string {
  const colon = head.indexOf(COLON, from);
  if (colon < 0 || colon - from > MAX_NAME_BYTES) return '';
  const name = utf8.decode(head.subarray(from, colon));
  if (!/^(?:content-length|l)[ \t]*$/i.test(name)) return '';
  let end = head.indexOf(LF, colon);
  while (end >= 0 && (head[end + 1] === SPACE || head[end + 1] === TAB)) end = head.indexOf(LF, end + 1);
  return utf8.decode(head.subarray(from, end + 1));
}
