/** The concurrency limit of an application, and the queue of pushes that wait for a slot. */

/** Whether a sender waits for the push, or it is retried. */
export type Urgency = 'sender' | 'retry';

export interface Turn {
  /** True when the push has a slot; false when the application was unloaded. */
  readonly ready: Promise<boolean>;
  /** Releases the slot, or leaves the queue. */
  leave(): void;
}

interface WaitingPush {
  urgency: Urgency;
  begin(ready: boolean): void;
}

/**
 * Retries use at most half of the slots, so that pushes of senders find one. Retries have precedence for a quarter of the
 * slots, so that a busy sender cannot delay them forever.
 */
export class Slots {
  readonly #waiting = { sender: new Set<WaitingPush>(), retry: new Set<WaitingPush>() };
  readonly #active = { sender: new Set<WaitingPush>(), retry: new Set<WaitingPush>() };
  readonly #maxRetries: number;
  readonly #reservedForRetries: number;
  #closed = false;

  constructor(
    private readonly concurrency: number,
    private readonly maxWaiting: number,
  ) {
    this.#maxRetries = Math.max(1, Math.floor(concurrency / 2));
    this.#reservedForRetries = Math.max(1, Math.floor(concurrency / 4));
  }

  /** Undefined when the queue of senders is full. */
  enter(urgency: Urgency): Turn | undefined {
    if (this.#closed) return { ready: Promise.resolve(false), leave() {} };
    const full = this.#waiting.sender.size >= this.maxWaiting;
    if (urgency === 'sender' && full) return undefined;
    let begin: WaitingPush['begin'] = () => {};
    const ready = new Promise<boolean>((resolve) => {
      begin = resolve;
    });
    const waiting: WaitingPush = { urgency, begin };
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

  #leave(waiting: WaitingPush): void {
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

  #first(): WaitingPush | undefined {
    const retry = first(this.#waiting.retry);
    const retries = this.#active.retry.size;
    if (retry && retries < this.#reservedForRetries) return retry;
    return first(this.#waiting.sender) ?? (retries < this.#maxRetries ? retry : undefined);
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
  #turn: Turn | undefined;

  constructor(
    turn: Turn,
    private readonly onLeave: () => void,
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
    void turn.ready.then((ready) => (ready ? this.#onReady(turn) : this.#onClosed(turn)));
  }

  /** Leaves the queues. A slot stays. */
  giveUp(): void {
    if (this.#decided) return;
    this.#decide(false);
    this.onLeave();
  }

  leave(): void {
    this.giveUp();
    if (!this.#turn) return;
    this.#turn.leave();
    this.#turn = undefined;
    this.onLeave();
  }

  #onReady(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#turn = turn;
    this.#decide(true);
  }

  #onClosed(turn: Turn): void {
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
