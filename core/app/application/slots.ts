/** How many pushes one application handles at once, and which waits for its turn. */

/** A push that a sender waits for, or one given again. */
export type Urgency = 'sender' | 'retry';

export interface Turn {
  /** True when the turn has come, false when the application went away. */
  readonly ready: Promise<boolean>;
  /** Gives the slot, or the place in the queue, to the next. */
  leave(): void;
}

interface Waiting {
  urgency: Urgency;
  begin(goes: boolean): void;
}

/**
 * Redeliveries never take more than half of the slots, so that a sender finds one; and a quarter is theirs first,
 * so that a busy sender does not keep them waiting for ever.
 */
export class Slots {
  readonly #waiting = { sender: new Set<Waiting>(), retry: new Set<Waiting>() };
  readonly #active = { sender: new Set<Waiting>(), retry: new Set<Waiting>() };
  readonly #againAtMost: number;
  readonly #againFirst: number;
  #closed = false;

  constructor(
    private readonly concurrency: number,
    private readonly maxWaiting: number,
  ) {
    this.#againAtMost = Math.max(1, Math.floor(concurrency / 2));
    this.#againFirst = Math.max(1, Math.floor(concurrency / 4));
  }

  /** Undefined when as many senders wait as may. */
  enter(urgency: Urgency): Turn | undefined {
    if (this.#closed) return { ready: Promise.resolve(false), leave() {} };
    const full = this.#waiting.sender.size >= this.maxWaiting;
    if (urgency === 'sender' && full) return undefined;
    let begin: Waiting['begin'] = () => {};
    const ready = new Promise<boolean>((resolve) => {
      begin = resolve;
    });
    const waiting: Waiting = { urgency, begin };
    this.#waiting[urgency].add(waiting);
    this.#next();
    return { ready, leave: () => this.#leave(waiting) };
  }

  /** Nobody's turn comes any more. */
  close(): void {
    this.#closed = true;
    for (const queue of [this.#waiting.sender, this.#waiting.retry]) {
      for (const { begin } of queue) begin(false);
      queue.clear();
    }
  }

  #leave(waiting: Waiting): void {
    this.#waiting[waiting.urgency].delete(waiting);
    if (this.#active[waiting.urgency].delete(waiting)) this.#next();
  }

  #next(): void {
    while (this.#active.sender.size + this.#active.retry.size < this.concurrency) {
      const waiting = this.#first();
      if (!waiting) return;
      this.#waiting[waiting.urgency].delete(waiting);
      this.#active[waiting.urgency].add(waiting);
      waiting.begin(true);
    }
  }

  #first(): Waiting | undefined {
    const again = first(this.#waiting.retry);
    const underWay = this.#active.retry.size;
    if (again && underWay < this.#againFirst) return again;
    return first(this.#waiting.sender) ?? (underWay < this.#againAtMost ? again : undefined);
  }
}

function first<T>(set: Set<T>): T | undefined {
  return set.values().next().value;
}
