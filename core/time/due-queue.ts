/** Items in the order in which they are due: a binary heap, in which adding and removing take logarithmic time. */

/** `setTimeout` has 31 bits of milliseconds; a later item is checked again then. */
const MAX_DELAY = 2 ** 31 - 1;

/** Removes items when they are due. */
export interface DueTimer<T> {
  /** Milliseconds on the clock of `dueOf`. */
  now(): number;
  /** The item is due, and no longer in the queue. */
  onDue(item: T): void;
}

export class DueQueue<T> {
  readonly #heap: T[] = [];
  readonly #positions = new Map<T, number>();
  #timeout: ReturnType<typeof setTimeout> | undefined;
  /** When the timeout ends; infinity without one. */
  #wakesAt = Number.POSITIVE_INFINITY;

  /**
   * @param dueOf when an item is due, milliseconds. It must not change while the item is in the queue.
   * @param timer without it, the owner of the queue reads `first`.
   */
  constructor(
    private readonly dueOf: (item: T) => number,
    private readonly timer?: DueTimer<T>,
  ) {}

  get size(): number {
    return this.#heap.length;
  }

  /** The item that is due next. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  /** Has no effect if the item is in the queue. */
  add(item: T): void {
    if (this.#positions.has(item)) return;
    this.#heap.push(item);
    this.#moveUp(item, this.#heap.length - 1);
    this.#schedule();
  }

  delete(item: T): void {
    const position = this.#positions.get(item);
    if (position === undefined) return;
    this.#positions.delete(item);
    const last = this.#heap.pop();
    if (last !== undefined && last !== item) {
      this.#moveUp(last, position);
      this.#moveDown(last, this.#positions.get(last) ?? position);
    }
    this.#schedule();
  }

  clear(): void {
    this.#heap.length = 0;
    this.#positions.clear();
    this.#schedule();
  }

  #moveUp(item: T, from: number): void {
    const due = this.dueOf(item);
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || this.dueOf(parent) <= due) break;
      this.#put(parent, position);
      position = above;
    }
    this.#put(item, position);
  }

  #moveDown(item: T, from: number): void {
    const due = this.dueOf(item);
    let position = from;
    for (;;) {
      const left = this.#heap[2 * position + 1];
      const right = this.#heap[2 * position + 2];
      if (left === undefined) break;
      const rightFirst = right !== undefined && this.dueOf(right) < this.dueOf(left);
      const child = rightFirst ? right : left;
      if (this.dueOf(child) >= due) break;
      this.#put(child, position);
      position = 2 * position + (rightFirst ? 2 : 1);
    }
    this.#put(item, position);
  }

  #put(item: T, position: number): void {
    this.#heap[position] = item;
    this.#positions.set(item, position);
  }

  /** Sets the timeout for the first item, unless it is already set for that time. */
  #schedule(): void {
    const { timer, first } = this;
    if (!timer) return;
    const due = first === undefined ? Number.POSITIVE_INFINITY : this.dueOf(first);
    if (due === this.#wakesAt) return;
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    this.#wakesAt = due;
    if (due === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(due - timer.now())), MAX_DELAY);
    this.#timeout = setTimeout(() => this.#wake(timer), delay);
  }

  #wake(timer: DueTimer<T>): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    for (let next = this.first; next !== undefined && this.dueOf(next) <= timer.now(); next = this.first) {
      this.delete(next);
      timer.onDue(next);
    }
    this.#schedule();
  }
}
