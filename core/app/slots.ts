/** How many pushes one application handles at once, and which waits for its turn. */

/** A push that a sender waits for, or one given again. */
export type Urgency = 'sender' | 'again';

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
  readonly #waiting = { sender: new Set<Waiting>(), again: new Set<Waiting>() };
  readonly #active = { sender: 0, again: 0 };
  readonly #againAtMost: number;
  readonly #againFirst: number;

  constructor(
    private readonly concurrency: number,
    private readonly maxWaiting: number,
  ) {
    this.#againAtMost = Math.max(1, Math.floor(concurrency / 2));
    this.#againFirst = Math.max(1, Math.floor(concurrency / 4));
  }

  /** Undefined when as many senders wait as may. */
  enter(urgency: Urgency): Turn | undefined {
    const full = this.#waiting.sender.size >= this.maxWaiting;
    if (urgency === 'sender' && full) return undefined;
    let begin: Waiting['begin'] = () => {};
    const ready = new Promise<boolean>((resolve) => {
      begin = resolve;
    });
    const waiting: Waiting = { urgency, begin };
    this.#waiting[urgency].add(waiting);
    this.#next();
    return { ready, leave: once(() => this.#leave(waiting)) };
  }

  /** Nobody's turn comes any more. */
  close(): void {
    for (const queue of [this.#waiting.sender, this.#waiting.again]) {
      for (const { begin } of queue) begin(false);
      queue.clear();
    }
  }

  #leave(waiting: Waiting): void {
    if (this.#waiting[waiting.urgency].delete(waiting)) return;
    this.#active[waiting.urgency]--;
    this.#next();
  }

  #next(): void {
    while (this.#active.sender + this.#active.again < this.concurrency) {
      const waiting = this.#first();
      if (!waiting) return;
      this.#waiting[waiting.urgency].delete(waiting);
      this.#active[waiting.urgency]++;
      waiting.begin(true);
    }
  }

  #first(): Waiting | undefined {
    const again = first(this.#waiting.again);
    if (again && this.#active.again < this.#againFirst) return again;
    return first(this.#waiting.sender) ?? (this.#active.again < this.#againAtMost ? again : undefined);
  }
}

function first<T>(set: Set<T>): T | undefined {
  return set.values().next().value;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
