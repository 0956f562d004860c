/** Which sequence numbers a UICC takes (3GPP TS 33.102, C.2): each once, though challenges may come out of order. */

/** C.3.2: the lowest five bits are an index, so that the last of each of 32 series is remembered. */
const SERIES = 32;
/** C.3.2: the farthest that one may be ahead, lest a forged or mistaken one uses up all there are. */
const FARTHEST = 2 ** 28;

export class SequenceNumbers {
  readonly #last: number[];
  #highest: number;
  /** Nothing is known to be ahead of. */
  #fresh: boolean;

  /** @param highest of 48 bits. */
  constructor(highest?: number) {
    this.#highest = highest ?? 0;
    this.#fresh = highest === undefined;
    this.#last = new Array<number>(SERIES).fill(this.#fresh ? -1 : Math.floor(this.#highest / SERIES));
  }

  /** The highest accepted so far. */
  get highest(): number {
    return this.#highest;
  }

  accept(sqn: number): boolean {
    const series = sqn % SERIES;
    const sequence = Math.floor(sqn / SERIES);
    const ahead = sequence - Math.floor(this.#highest / SERIES);
    if (sequence <= (this.#last[series] ?? 0) || (!this.#fresh && ahead > FARTHEST)) return false;
    this.#fresh = false;
    this.#last[series] = sequence;
    this.#highest = Math.max(this.#highest, sqn);
    return true;
  }
}
