/** The concurrency limit of an application, and the queue of pushes that wait for a slot. */

/** Whether a sender waits for the push, or it is retried. */
export type Urgency = 'sender' | 'retry';

export interface Turn {
  /** True when the push has a slot; false when the application was unloaded. */
  readonly ready: Promise<boolean>;
  /** Releases the slot, or leaves the queue. */
  leave(): void;
}

interface Waiting {
  urgency: Urgency;
  begin(goes: boolean): void;
}

/**
 * Retries use at most half of the slots, so that pushes of senders find one. Retries have precedence for a quarter of the
 * slots, so that a busy sender cannot delay them for ever.
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

  /** Undefined when the queue of senders is full. */
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

  /** Everything that waits leaves the queue without a slot. */
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

export class EitherTurn implements Turn {
  readonly ready: Promise<boolean>;
  readonly #waiting = new Set<Turn>();
  #resolve: (ready: boolean) => void = () => {};
  /** `ready` is resolved. */
  #decided = false;
  #mine: Turn | undefined;

  constructor(
    turn: Turn,
    private readonly onLeft: () => void,
  ) {
    this.ready = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.add(turn);
  }

  /** Waits in another queue as well. */
  add(turn: Turn): void {
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#waiting.add(turn);
    void turn.ready.then((goes) => (goes ? this.#come(turn) : this.#gone(turn)));
  }

  /** Leaves the queues. A slot stays. */
  giveUp(): void {
    if (this.#decided) return;
    this.#decide(false);
    this.onLeft();
  }

  leave(): void {
    this.giveUp();
    if (!this.#mine) return;
    this.#mine.leave();
    this.#mine = undefined;
    this.onLeft();
  }

  #come(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#mine = turn;
    this.#decide(true);
  }

  #gone(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#waiting.size === 0) this.giveUp();
  }

  #decide(ready: boolean): void {
    this.#decided = true;
    for (const turn of this.#waiting) turn.leave();
    this.#waiting.clear();
    this.#resolve(ready);
  }
}
