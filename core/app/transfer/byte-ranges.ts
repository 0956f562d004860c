/** Which bytes of a file are there. */

import { MalformedError } from '../../errors.js';
import { TRANSFER_PARTS } from '../limits.js';

/** From `start` up to, not including, `end`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

export class Parts {
  /** In order; none touches another. */
  #parts: Part[] = [];

  /** @param have bytes that are there, from the first on. */
  constructor(have: number) {
    if (have > 0) this.#parts.push({ start: 0, end: have });
  }

  /** Bytes that are there from the first on. */
  get contiguous(): number {
    const [first] = this.#parts;
    return first?.start === 0 ? first.end : 0;
  }

  /** Behind the last byte that is there. */
  get end(): number {
    return this.#parts.at(-1)?.end ?? 0;
  }

  /** Whether there is something behind a gap. */
  get gaps(): boolean {
    return this.#parts.length > 1 || (this.#parts[0]?.start ?? 0) > 0;
  }

  /**
   * Counts these bytes as there.
   * @returns what of them was not: who came first stays.
   * @throws MalformedError, nothing being counted, when there would be too many parts.
   */
  add(start: number, end: number): Part[] {
    if (start >= end) return [];
    const first = this.#parts.findIndex((part) => part.end >= start);
    const from = first < 0 ? this.#parts.length : first;
    const missing: Part[] = [];
    let at = start;
    let to = from;
    for (let part = this.#parts[to]; part && part.start <= end; part = this.#parts[++to]) {
      if (part.start > at) missing.push({ start: at, end: part.start });
      at = Math.max(at, part.end);
    }
    if (at < end) missing.push({ start: at, end });
    if (this.#parts.length - (to - from) >= TRANSFER_PARTS) {
      throw new MalformedError(`a file in more than ${TRANSFER_PARTS} parts`);
    }
    const whole = { start: Math.min(start, this.#parts[from]?.start ?? start), end: Math.max(at, end) };
    this.#parts.splice(from, to - from, whole);
    return missing;
  }
}
