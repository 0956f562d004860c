/**
 * How large chunks are. A chunk is answered as a whole, and the peer has 30 s for that (RFC 4975 7.1.1): on a slow
 * path they stay small, on a fast one they grow until their number costs nothing.
 */

const FIRST_CHUNK = 16 * 1024;
/** Answered within this time, the next ones are twice as large; milliseconds. */
const FAST = 1000;
/** Past it, half as large. */
const SLOW = 5000;

export class Pace {
  #size: number;

  /** @param largest bytes */
  constructor(private readonly largest: number) {
    this.#size = Math.min(FIRST_CHUNK, largest);
  }

  /** Bytes of the next chunk, at most. */
  get size(): number {
    return this.#size;
  }

  /** A chunk was answered after so many milliseconds. */
  answered(elapsed: number): void {
    if (elapsed <= FAST) this.#size = Math.min(this.#size * 2, this.largest);
    else if (elapsed > SLOW) this.#size = Math.min(Math.max(this.#size >> 1, FIRST_CHUNK), this.largest);
  }
}
