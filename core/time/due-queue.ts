/** What comes next, of many: a binary heap, so that nothing is ever searched. */

export interface Due {
  /** Milliseconds since 1970. Does not change while the item is in the heap. */
  readonly due: number;
}

export class DueQueue<T extends Due> {
  readonly #heap: T[] = [];
  readonly #places = new Map<T, number>();

  get first(): T | undefined {
    return this.#heap[0];
  }

  add(item: T): void {
    if (this.#places.has(item)) return;
    this.#heap.push(item);
    this.#rise(item, this.#heap.length - 1);
  }

  delete(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#heap.pop();
    if (!last || last === item) return;
    this.#rise(last, place);
    this.#sink(last, this.#places.get(last) ?? place);
  }

  #rise(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (!parent || parent.due <= item.due) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(item, place);
  }

  #sink(item: T, from: number): void {
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const sooner = right && left && right.due < left.due ? right : left;
      if (!sooner || sooner.due >= item.due) break;
      this.#put(sooner, place);
      place = 2 * place + (sooner === right ? 2 : 1);
    }
    this.#put(item, place);
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item;
    this.#places.set(item, place);
  }
}
