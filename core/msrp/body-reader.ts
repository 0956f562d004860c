/** A body out of a byte stream, up to the end-line of its chunk: nothing else says where it ends. */

import { platform } from '#platform';
import {
  CUT_SHORT,
  END_LINE_START,
  flagBefore,
  LONGEST_END_LINE,
  matchEndLine,
  NO_END_LINE,
} from './end-line.js';
import type { ContinuationFlag } from './frame.js';

const CR = 0x0d;
const CRLF_LENGTH = 2;
const encoder = new TextEncoder();

/**
 * Bytes are searched once, by the platform, and handed on as views. What could be the beginning of an end-line when
 * the bytes run out is held back, 76 bytes at most.
 */
export class BodyReader {
  /** Set when `push` has met the end. */
  flag: ContinuationFlag = '$';
  readonly #id: Uint8Array;
  readonly #onBytes: (bytes: Uint8Array) => void;
  /** The first `#length` bytes are held back: they begin with a CR. */
  readonly #held = new Uint8Array(LONGEST_END_LINE);
  #length = CRLF_LENGTH;
  /** The CRLF of the line before can be that of an end-line, but is no part of the body. */
  #foreign = CRLF_LENGTH;

  /** For what follows a CRLF that ended the headers. */
  constructor(transactionId: string, onBytes: (bytes: Uint8Array) => void) {
    this.#id = encoder.encode(transactionId);
    this.#onBytes = onBytes;
    this.#held.set(END_LINE_START.subarray(0, CRLF_LENGTH));
  }

  /** Index after the end-line; -1 when it did not come yet. */
  push(bytes: Uint8Array, from: number): number {
    while (this.#length > 0) {
      const end = this.#continueHeld(bytes, from);
      if (end !== undefined) return end;
    }
    return this.#search(bytes, from);
  }

  /** What `push` answers when that is decided here; undefined when less is held back now. */
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
    this.#give(this.#held.slice(0, freed));
    this.#held.copyWithin(0, freed, this.#length);
    this.#length -= freed;
    return undefined;
  }

  #search(bytes: Uint8Array, from: number): number {
    let at = platform.indexOf(bytes, END_LINE_START, from);
    for (; at >= 0; at = platform.indexOf(bytes, END_LINE_START, at + END_LINE_START.length)) {
      const length = matchEndLine(bytes, at, this.#id);
      if (length === NO_END_LINE) continue;
      this.#give(bytes.subarray(from, at));
      if (length === CUT_SHORT) return this.#hold(bytes.subarray(at));
      this.flag = flagBefore(bytes, at + length);
      return at + length;
    }
    for (at = Math.max(from, bytes.length - END_LINE_START.length + 1); at < bytes.length; at++) {
      if (bytes[at] !== CR || matchEndLine(bytes, at, this.#id) !== CUT_SHORT) continue;
      this.#give(bytes.subarray(from, at));
      return this.#hold(bytes.subarray(at));
    }
    this.#give(bytes.subarray(from));
    return -1;
  }

  #hold(bytes: Uint8Array): number {
    this.#held.set(bytes);
    this.#length = bytes.length;
    return -1;
  }

  #give(bytes: Uint8Array): void {
    const own = bytes.subarray(Math.min(this.#foreign, bytes.length));
    this.#foreign -= bytes.length - own.length;
    if (own.length > 0) this.#onBytes(own);
  }
}
