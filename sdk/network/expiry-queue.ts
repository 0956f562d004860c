/** What ends at a time, soonest first: a binary heap with one timer, so that no table is ever scanned. */

export interface Expiring {
  /** Milliseconds on the clock of `performance.now()`. Does not change while the item is in the queue. */
  readonly expiresAt: number;
}

/** `setTimeout` takes 31 bits of milliseconds; what ends later is looked at again then. */
const MAX_DELAY = 2 ** 31 - 1;

export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = [];
  readonly #places = new Map<T, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #rings = Number.POSITIVE_INFINITY;

  constructor(private readonly onExpired: (item: T) => void) {}

  get size(): number {
    return this.#heap.length;
  }

  add(item: T): void {
    if (this.#places.has(item)) return;
    this.#heap.push(item);
    this.#rise(this.#heap.length - 1);
    this.#wind();
  }

  delete(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#heap.pop();
    if (last && last !== item) {
      this.#put(last, place);
      this.#rise(place);
      this.#sink(this.#places.get(last) ?? place);
    }
    this.#wind();
  }

  clear(): void {
    this.#heap.length = 0;
    this.#places.clear();
    this.#wind();
  }

  #rise(from: number): void {
    const item = this.#heap[from];
    if (!item) return;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (!parent || parent.expiresAt <= item.expiresAt) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(item, place);
  }

  #sink(from: number): void {
    const item = this.#heap[from];
    if (!item) return;
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const below = right && left && right.expiresAt < left.expiresAt ? 2 * place + 2 : 2 * place + 1;
      const child = this.#heap[below];
      if (!child || child.expiresAt >= item.expiresAt) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(item, place);
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item;
    this.#places.set(item, place);
  }

  /** Sets the timer for the first item, where it is not set for it already. */
  #wind(): void {
    const first = this.#heap[0]?.expiresAt ?? Number.POSITIVE_INFINITY;
    if (first === this.#rings) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rings = first;
    if (first === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(first - performance.now())), MAX_DELAY);
    this.#timer = setTimeout(() => this.#ring(), delay);
  }

  #ring(): void {
    this.#rings = Number.POSITIVE_INFINITY;
    for (let first = this.#heap[0]; first && first.expiresAt <= performance.now(); first = this.#heap[0]) {
      this.delete(first);
      this.onExpired(first);
    }
    this.#wind();
  }
}
