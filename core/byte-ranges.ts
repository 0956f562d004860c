/** The set of bytes received of a file or a message: ranges arrive in any order, overlap, and repeat. */

import { MalformedError } from './errors.js';

/** From `start` up to, not including, `end`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

export class ByteRanges {
  /** In ascending order; no two touch. */
  readonly #ranges: Interval[] = [];

  /**
   * @param received bytes received so far, from the first one on.
   * @param limit ranges with gaps between them that are kept; a sender that leaves more gaps is refused.
   */
  constructor(
    received = 0,
    private readonly limit = Number.POSITIVE_INFINITY,
  ) {
    if (received > 0) this.#ranges.push({ start: 0, end: received });
  }

  /** Bytes received without a gap, from the first one on. */
  get contiguous(): number {
    const [first] = this.#ranges;
    return first?.start === 0 ? first.end : 0;
  }

  /** The offset after the last byte received. */
  get end(): number {
    return this.#ranges[this.#ranges.length - 1]?.end ?? 0;
  }

  /** The number of ranges. There is a gap between each two. */
  get count(): number {
    return this.#ranges.length;
  }

  /** Whether a byte was received that lies after a gap. */
  get gaps(): boolean {
    return this.#ranges.length > 1 || (this.#ranges[0]?.start ?? 0) > 0;
  }

  /** Whether the first `size` bytes were received. */
  covers(size: number): boolean {
    return this.contiguous >= size;
  }

  /**
   * Adds the range.
   *
   * @returns the parts of it that were not received before: the first copy of a byte is the one that counts.
   * @throws MalformedError when there would be more ranges than the limit; nothing is added then.
   */
  add(start: number, end: number): Interval[] {
    if (start >= end) return [];
    const ranges = this.#ranges;
    const last = ranges[ranges.length - 1];
    // The usual case: each chunk follows the one before.
    if (last && start === last.end) {
      ranges[ranges.length - 1] = { start: last.start, end };
      return [{ start, end }];
    }
    let from = ranges.length;
    for (let before = ranges[from - 1]; before && before.end >= start; before = ranges[from - 1]) from--;
    const missing: Interval[] = [];
    let at = start;
    let to = from;
    for (let range = ranges[to]; range && range.start <= end; range = ranges[++to]) {
      if (range.start > at) missing.push({ start: at, end: range.start });
      at = Math.max(at, range.end);
    }
    if (at < end) missing.push({ start: at, end });
    if (ranges.length - (to - from) >= this.limit) {
      throw new MalformedError(`more than ${this.limit} parts with gaps between them`);
    }
    const joined = { start: Math.min(start, ranges[from]?.start ?? start), end: Math.max(at, end) };
    ranges.splice(from, to - from, joined);
    return missing;
  }
}
