/** Start line and headers out of a byte stream: all lines up to an empty one, or to one that begins with a hyphen. */

import { HYPHEN } from './end-line.js';
import { MalformedMsrp } from './malformed.js';

const CR = 0x0d;
const LF = 0x0a;
const START = new TextEncoder().encode('MSRP ');

export interface RawHead {
  /** Start line and headers, and one line more: empty, or of hyphens, or where the limit was met a piece of a header. */
  bytes: Uint8Array;
  /** Where that last line starts. */
  lastLine: number;
  /** True where the limit was met. */
  tooLong: boolean;
}

/** Bytes are looked at once. Those of a head that came in one piece are not copied. */
export class HeadReader {
  /** Pieces that came before: the first `#length` bytes. */
  #kept = new Uint8Array(0);
  #length = 0;
  /** Of the line under way. */
  #lineLength = 0;
  #lineStartsWith: number | undefined;
  readonly #limit: number;

  /** @param limit bytes of start line and headers */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Index after what was read, and the head when it is complete.
   * @throws MalformedMsrp as soon as this can be no frame.
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
        throw new MalformedMsrp('no MSRP where a frame starts');
    }
  }

  #endsHead(): boolean {
    return (this.#lineLength === 2 && this.#lineStartsWith === CR) || this.#lineStartsWith === HYPHEN;
  }

  #head(piece: Uint8Array, tooLong: boolean): RawHead {
    const whole = this.#length === 0 ? piece : this.#keep(piece);
    const lastLine = whole.length - this.#lineLength;
    this.#kept = new Uint8Array(0);
    this.#length = 0;
    this.#lineLength = 0;
    return { bytes: whole, lastLine, tooLong };
  }

  /** All that is kept. Room doubles, so that a head in a hundred pieces is not copied a hundred times. */
  #keep(piece: Uint8Array): Uint8Array {
    const length = this.#length + piece.length;
    if (length > this.#kept.length) {
      const room = new Uint8Array(Math.max(length, 2 * this.#length));
      room.set(this.#kept.subarray(0, this.#length));
      this.#kept = room;
    }
    this.#kept.set(piece, this.#length);
    this.#length = length;
    return this.#kept.subarray(0, length);
  }
}

/** Nothing allows for them between two frames, and nobody could take them for anything else. */
function skipLineBreaks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at;
}
