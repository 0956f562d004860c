/** Which bytes of a message have come (RFC 4975 7.3.1): in any order, overlapping, and again. */
export class ReceivedRanges {
  /** Apart from each other, in order; ends are exclusive. */
  readonly #ranges: { start: number; end: number }[] = [];

  /** How many parts there are with something missing between them. */
  get count(): number {
    return this.#ranges.length;
  }

  /** True when nothing is missing in the first `size` bytes. */
  cover(size: number): boolean {
    const [first] = this.#ranges;
    return size === 0 || (first?.start === 0 && first.end >= size);
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const ranges = this.#ranges;
    const last = ranges[ranges.length - 1];
    if (last && start >= last.start && start <= last.end) {
      last.end = Math.max(last.end, end);
      return;
    }
    let from = ranges.length;
    for (let before = ranges[from - 1]; before && before.end >= start; before = ranges[from - 1]) from--;
    let to = from;
    const joined = { start, end };
    for (let next = ranges[to]; next && next.start <= end; next = ranges[to]) {
      joined.start = Math.min(joined.start, next.start);
      joined.end = Math.max(joined.end, next.end);
      to++;
    }
    ranges.splice(from, to - from, joined);
  }
}
