/** Parses MSRP frames from a byte stream (RFC 4975 §7). It reads bytes once, and passes bodies on as views. */

import { platform } from '#platform';
import { defined } from '../../defined.js';
import { type ContinuationFlag, MalformedMsrpError, type MsrpRequest, type MsrpResponse } from './frame.js';
import { HeadParser, HeadReader, HYPHEN, type RawHead } from './head.js';
import { FRAME_LIMITS, type FrameLimits } from './limits.js';

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

/** The start of every end-line, with the CRLF before it. */
export const END_LINE_START = Uint8Array.of(CR, LF, HYPHEN, HYPHEN, HYPHEN, HYPHEN, HYPHEN);

/** CRLF, hyphens, a blank, an identifier of 64 characters, the flag, CRLF. */
export const LONGEST_END_LINE = 2 + 7 + 1 + 64 + 1 + 2;

/** The results of `matchEndLine` that are not a length. */
export const NO_END_LINE = 0;
export const CUT_SHORT = -1;

const FLAGS: ReadonlyMap<number | undefined, ContinuationFlag> = new Map([
  [0x24, '$'],
  [0x2b, '+'],
  [0x23, '#'],
]);

/**
 * Length of the end-line of `id` at `at`, with the CRLF before it; NO_END_LINE if there is none; CUT_SHORT if the bytes end
 * too early. An end-line has seven hyphens, the transaction identifier and a flag (RFC 4975 §7.1).
 *
 * The sample flow of TS appendix B.4 has five hyphens, and a blank before the identifier: both are accepted. The identifier
 * is random, so that a body does not contain them by accident.
 */
export function matchEndLine(bytes: Uint8Array, at: number, id: Uint8Array): number {
  let next = matchBytes(bytes, at, END_LINE_START);
  if (next <= 0) return next;
  if (bytes[next] === HYPHEN) {
    next++;
    if (next === bytes.length) return CUT_SHORT;
    if (bytes[next] !== HYPHEN) return NO_END_LINE;
    next++;
  }
  if (bytes[next] === SPACE) next++;
  next = matchBytes(bytes, next, id);
  if (next <= 0) return next;
  if (next === bytes.length) return CUT_SHORT;
  if (!FLAGS.has(bytes[next])) return NO_END_LINE;
  next = matchBytes(bytes, next + 1, END_LINE_START.subarray(0, 2));
  return next <= 0 ? next : next - at;
}

/** The flag of an end-line that ends at `end`. */
export function flagBefore(bytes: Uint8Array, end: number): ContinuationFlag {
  return FLAGS.get(bytes[end - 3]) ?? '$';
}

/** Index after `pattern`, NO_END_LINE or CUT_SHORT. */
function matchBytes(bytes: Uint8Array, at: number, pattern: Uint8Array): number {
  for (let index = 0; index < pattern.length; index++) {
    if (at + index === bytes.length) return CUT_SHORT;
    if (bytes[at + index] !== pattern[index]) return NO_END_LINE;
  }
  return at + pattern.length;
}

const CRLF_LENGTH = 2;
const encoder = new TextEncoder();

/**
 * Reads a body up to the end-line of its chunk. A possible start of an end-line at the end of the bytes is held back, 76
 * bytes at most.
 */
export class BodyReader {
  /** Set when `push` has found the end. */
  flag: ContinuationFlag = '$';
  readonly #id: Uint8Array;
  readonly #onBytes: (bytes: Uint8Array) => void;
  /** Its first `#length` bytes are held back; they begin with a CR. */
  readonly #held = new Uint8Array(LONGEST_END_LINE);
  #length = CRLF_LENGTH;
  /** Held bytes of the previous line: its CRLF can begin an end-line, but is not part of the body. */
  #precedingBytes = CRLF_LENGTH;

  /** Starts behind the CRLF that ended the headers. */
  constructor(transactionId: string, onBytes: (bytes: Uint8Array) => void) {
    this.#id = encoder.encode(transactionId);
    this.#onBytes = onBytes;
    this.#held.set(END_LINE_START.subarray(0, CRLF_LENGTH));
  }

  /** @returns the index after the end-line; -1 if it has not arrived. */
  push(bytes: Uint8Array, from: number): number {
    while (this.#length > 0) {
      const end = this.#continueHeld(bytes, from);
      if (end !== undefined) return end;
    }
    return this.#search(bytes, from);
  }

  /** @returns the result of `push`; undefined if fewer bytes are held back now. */
  #continueHeld(bytes: Uint8Array, from: number): number | undefined {
    const added = bytes.subarray(from, from + LONGEST_END_LINE - this.#length);
    this.#held.set(added, this.#length);
    const length = matchEndLine(this.#held.subarray(0, this.#length + added.length), 0, this.#id);
    if (length === CUT_SHORT) {
      this.#length += added.length;
      return -1;
    }
    if (length !== NO_END_LINE) {
      this.flag = flagBefore(this.#held, length);
      return from + length - this.#length;
    }
    const cr = this.#held.subarray(0, this.#length).indexOf(CR, 1);
    const freed = cr < 0 ? this.#length : cr;
    this.#emit(this.#held.slice(0, freed));
    this.#held.copyWithin(0, freed, this.#length);
    this.#length -= freed;
    return undefined;
  }

  #search(bytes: Uint8Array, from: number): number {
    let at = platform.indexOf(bytes, END_LINE_START, from);
    for (; at >= 0; at = platform.indexOf(bytes, END_LINE_START, at + END_LINE_START.length)) {
      const length = matchEndLine(bytes, at, this.#id);
      if (length === NO_END_LINE) continue;
      this.#emit(bytes.subarray(from, at));
      if (length === CUT_SHORT) return this.#hold(bytes.subarray(at));
      this.flag = flagBefore(bytes, at + length);
      return at + length;
    }
    for (at = Math.max(from, bytes.length - END_LINE_START.length + 1); at < bytes.length; at++) {
      if (bytes[at] !== CR || matchEndLine(bytes, at, this.#id) !== CUT_SHORT) continue;
      this.#emit(bytes.subarray(from, at));
      return this.#hold(bytes.subarray(at));
    }
    this.#emit(bytes.subarray(from));
    return -1;
  }

  #hold(bytes: Uint8Array): number {
    this.#held.set(bytes);
    this.#length = bytes.length;
    return -1;
  }

  #emit(bytes: Uint8Array): void {
    const own = bytes.subarray(Math.min(this.#precedingBytes, bytes.length));
    this.#precedingBytes -= bytes.length - own.length;
    if (own.length > 0) this.#onBytes(own);
  }
}

export interface FrameHandlers {
  /** A request whose headers are complete. Its body follows, if any, then `onEnd`. */
  onRequest(request: MsrpRequest): void;
  /** A complete response. */
  onResponse(response: MsrpResponse): void;
  /** A piece of the body of the last request, as a view. Not called for a malformed request. */
  onBody(bytes: Uint8Array): void;
  /** The end of the last request. */
  onEnd(flag: ContinuationFlag): void;
}

export class MsrpParser {
  readonly #handlers: FrameHandlers;
  readonly #headParser: HeadParser;
  readonly #headReader: HeadReader;
  readonly #headerBytes: number;
  /** Reads the body of `#frame`. */
  #body: BodyReader | undefined;
  #frame: MsrpRequest | MsrpResponse | undefined;
  #failed = false;

  constructor(handlers: FrameHandlers, limits: Partial<FrameLimits> = {}) {
    const { headerBytes, headers } = { ...FRAME_LIMITS, ...defined(limits) };
    this.#handlers = handlers;
    this.#headerBytes = headerBytes;
    this.#headParser = new HeadParser(headers);
    this.#headReader = new HeadReader(headerBytes);
  }

  /** Memory of an unfinished head, in bytes. Bodies are passed on as they arrive. */
  get held(): number {
    return this.#headReader.held;
  }

  /**
   * Takes ownership of `chunk`. After an error, further bytes are ignored.
   * @throws MalformedMsrpError if the connection must be closed.
   */
  push(chunk: Uint8Array): void {
    if (this.#failed) return;
    // A view of a Node.js Buffer would be a Buffer, whose `slice` does not copy.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    try {
      for (let at = 0; at < bytes.length; )
        at = this.#body ? this.#readBody(this.#body, bytes, at) : this.#readHead(bytes, at);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  #readHead(bytes: Uint8Array, from: number): number {
    const { next, head } = this.#headReader.push(bytes, from);
    if (head) this.#beginFrame(head);
    return next;
  }

  #beginFrame({ bytes, lastLine, tooLong }: RawHead): void {
    const problem = tooLong ? `headers of more than ${this.#headerBytes} bytes` : undefined;
    const frame = this.#headParser.parse(bytes.subarray(0, lastLine), problem);
    const bodyFollows = tooLong || bytes.length - lastLine === CRLF_LENGTH;
    const flag = bodyFollows ? undefined : readEndLine(bytes, lastLine, frame.transactionId);
    this.#frame = frame;
    if ('method' in frame) this.#handlers.onRequest(frame);
    if (flag !== undefined) {
      this.#endFrame(flag);
      return;
    }
    this.#body = new BodyReader(frame.transactionId, this.#bodyHandler(frame));
    // The partial header beyond the limit may be an end-line.
    if (tooLong) this.#readBody(this.#body, bytes, lastLine);
  }

  #bodyHandler(frame: MsrpRequest | MsrpResponse): (bytes: Uint8Array) => void {
    const wanted = 'method' in frame && frame.malformed === undefined;
    return wanted ? (bytes) => this.#handlers.onBody(bytes) : () => {};
  }

  #readBody(body: BodyReader, bytes: Uint8Array, from: number): number {
    const end = body.push(bytes, from);
    if (end < 0) return bytes.length;
    this.#body = undefined;
    this.#endFrame(body.flag);
    return end;
  }

  #endFrame(flag: ContinuationFlag): void {
    const frame = this.#frame;
    this.#frame = undefined;
    if (!frame) return;
    if ('method' in frame) this.#handlers.onEnd(flag);
    else this.#handlers.onResponse(frame);
  }
}

/** The flag of the last line, which starts at `at` behind a CRLF. */
function readEndLine(bytes: Uint8Array, at: number, transactionId: string): ContinuationFlag {
  const length = matchEndLine(bytes, at - CRLF_LENGTH, encoder.encode(transactionId));
  if (length !== NO_END_LINE && length !== CUT_SHORT) return flagBefore(bytes, bytes.length);
  throw new MalformedMsrpError('invalid end-line: expected the transaction identifier of its frame');
}
