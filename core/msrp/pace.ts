/**
 * How much of a message may be under way, and in what pieces. On a slow path it stays little: whatever is sent next
 * waits behind it, and the peer has 30 s to answer each chunk (RFC 4975 7.1.1). On a fast one it grows until the path
 * is full.
 */

/** Bytes in flight at first, and at least. */
const FIRST_WINDOW = 64 * 1024;
/** A window is some four chunks, of so many bytes at least. */
const SMALL_CHUNK = 16 * 1024;
/** A chunk that is answered within this time had room to spare, milliseconds: the longest round trip of a satellite. */
const FAST = 1000;
/** Past it, too much is under way. */
const SLOW = 2000;

export class Pace {
  #window: number;

  /**
   * @param largestWindow bytes in flight at most.
   * @param largestChunk bytes.
   */
  constructor(
    private readonly largestWindow: number,
    private readonly largestChunk: number,
  ) {
    this.#window = Math.min(FIRST_WINDOW, largestWindow);
  }

  /** Bytes of the next chunk at most, while so many are in flight; 0 when answers have to come first. */
  room(inFlight: number): number {
    const chunk = Math.min(Math.max(this.#window >> 2, SMALL_CHUNK), this.largestChunk);
    return inFlight === 0 || inFlight + chunk <= this.#window ? chunk : 0;
  }

  /** A chunk of so many bytes was answered after so many milliseconds. */
  answered(bytes: number, elapsed: number): void {
    // Doubled, or halved, by the time that a whole window was answered.
    if (elapsed <= FAST) this.#window = Math.min(this.#window + bytes, this.largestWindow);
    else if (elapsed > SLOW)
      this.#window = Math.max(this.#window - (bytes >> 1), Math.min(FIRST_WINDOW, this.largestWindow));
  }
}
