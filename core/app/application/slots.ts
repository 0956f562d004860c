/** The concurrency limit of an application, and the queue of pushes that wait for a slot. */

/** Whether a sender waits for the push, or it is retried; or an alarm, which uses the slots of retries. */
export type Urgency = 'sender' | 'retry' | 'alarm';

export interface Turn {
  /** True when the push has a slot; false when the application was unloaded. */
  readonly ready: Promise<boolean>;
  /** Releases the slot, or leaves the queue. */
  leave(): void;
}

interface WaitingPush {
  readonly urgency: Urgency;
  /** Pushes with the same key have a slot one after another. */
  readonly key: string | undefined;
  begin(ready: boolean): void;
}

interface Queues {
  readonly sender: Set<WaitingPush>;
  readonly retry: Set<WaitingPush>;
}

/**
 * Retries use at most half of the slots, so that pushes of senders find one. Retries have precedence for a quarter of the
 * slots, so that a busy sender cannot delay them forever. Senders and retries share a single slot in turns. Of the pushes with one key, the first waits for a slot or has
 * one, and the others wait behind it; retries first, since they were received earlier. Alarms and the pushes of senders
 * follow in the order in which they came, so that alarms that are always due delay no push forever.
 */
export class Slots {
  readonly #waiting = queues();
  readonly #active = queues();
  /** Key to the pushes that wait until another push with this key has left. */
  readonly #behind = new Map<string, Queues>();
  readonly #maxRetries: number;
  readonly #reservedForRetries: number;
  /** The slot that was assigned last is one of a retry. */
  #retryLast = false;
  #held = false;
  /** Pushes of senders in all queues. */
  #senders = 0;
  #closed = false;

  constructor(
    private readonly concurrency: number,
    private readonly maxWaiting: number,
  ) {
    this.#maxRetries = Math.max(1, Math.floor(concurrency / 2));
    this.#reservedForRetries = Math.max(1, Math.floor(concurrency / 4));
  }

  /** Undefined when the queue of senders is full. */
  enter(urgency: Urgency, key?: string): Turn | undefined {
    if (this.#closed) return { ready: Promise.resolve(false), leave() {} };
    if (urgency === 'sender' && this.#senders >= this.maxWaiting) return undefined;
    let begin: WaitingPush['begin'] = () => {};
    const ready = new Promise<boolean>((resolve) => {
      begin = resolve;
    });
    const waiting: WaitingPush = { urgency, key, begin };
    const behind = key === undefined ? undefined : this.#behind.get(key);
    if (behind) behind[orderOf(urgency)].add(waiting);
    else this.#waiting[slotOf(urgency)].add(waiting);
    if (key !== undefined && !behind) this.#behind.set(key, queues());
    if (urgency === 'sender') this.#senders++;
    this.#next();
    return { ready, leave: () => this.#leave(waiting) };
  }

  /** While it is held, no push and no alarm has a slot assigned. Those that have one keep it. */
  hold(held: boolean): void {
    this.#held = held;
    this.#next();
  }

  get held(): boolean {
    return this.#held;
  }

  /** Everything that waits leaves the queues without a slot. */
  close(): void {
    this.#closed = true;
    for (const { sender, retry } of [this.#waiting, ...this.#behind.values()]) {
      for (const { begin } of [...sender, ...retry]) begin(false);
      sender.clear();
      retry.clear();
    }
    this.#behind.clear();
    this.#senders = 0;
  }

  #leave(waiting: WaitingPush): void {
    const { urgency, key } = waiting;
    const behind = key === undefined ? undefined : this.#behind.get(key);
    if (behind?.[orderOf(urgency)].delete(waiting)) {
      this.#left(urgency);
      return;
    }
    const slot = slotOf(urgency);
    const waited = this.#waiting[slot].delete(waiting);
    if (waited) this.#left(urgency);
    if (!waited && !this.#active[slot].delete(waiting)) return;
    if (key !== undefined) this.#advance(key);
    this.#next();
  }

  /** The next push with this key waits for a slot. */
  #advance(key: string): void {
    const behind = this.#behind.get(key);
    const next = behind && (first(behind.retry) ?? first(behind.sender));
    if (!next) {
      this.#behind.delete(key);
      return;
    }
    behind[orderOf(next.urgency)].delete(next);
    this.#waiting[slotOf(next.urgency)].add(next);
  }

  #left(urgency: Urgency): void {
    if (urgency === 'sender') this.#senders--;
  }

  #next(): void {
    while (!this.#held && this.#active.sender.size + this.#active.retry.size < this.concurrency) {
      const waiting = this.#first();
      if (!waiting) return;
      const slot = slotOf(waiting.urgency);
      this.#retryLast = slot === 'retry';
      this.#waiting[slot].delete(waiting);
      this.#active[slot].add(waiting);
      this.#left(waiting.urgency);
      waiting.begin(true);
    }
  }

  #first(): WaitingPush | undefined {
    const retry = first(this.#waiting.retry);
    const sender = first(this.#waiting.sender);
    const retries = this.#active.retry.size;
    const turnOfSender = sender && this.concurrency === 1 && this.#retryLast;
    if (retry && retries < this.#reservedForRetries && !turnOfSender) return retry;
    return sender ?? (retries < this.#maxRetries ? retry : undefined);
  }
}

/** The slots that it uses. */
function slotOf(urgency: Urgency): keyof Queues {
  return urgency === 'sender' ? 'sender' : 'retry';
}

/** The queue in which it waits behind others with its key. */
function orderOf(urgency: Urgency): keyof Queues {
  return urgency === 'retry' ? 'retry' : 'sender';
}

function queues(): Queues {
  return { sender: new Set(), retry: new Set() };
}

function first<T>(set: Set<T>): T | undefined {
  return set.values().next().value;
}

/** The turn of a transfer, which waits in two queues: for content that is still arriving, and for complete content. */
export class TransferTurn implements Turn {
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
