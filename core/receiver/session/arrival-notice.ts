/** When to say how much of something has come: about once a second, where it takes longer than that. */

/** Milliseconds. */
const INTERVAL = 1_000;

export class ArrivalNotice {
  #last = performance.now();

  /** Asked whenever more is here: whether to say so. */
  due(): boolean {
    const now = performance.now();
    if (now - this.#last < INTERVAL) return false;
    this.#last = now;
    return true;
  }
}
