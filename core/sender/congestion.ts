/** How much a sender asks of the core at a time, and where it holds off (TS 9.4; RFC 5390 and RFC 6357 say why). */

import { Slots, type Urgency } from '../app/application/slots.js';
import { TransportError } from '../errors.js';
import { type Clock, systemClock } from '../time/clock.js';
import { unlessAborted } from '../time/deadline.js';
import type { Receipt } from './push-request.js';

export interface CongestionOptions {
  /** Pushes under way at a time, 100 when absent; the others wait for their turn. */
  outstanding?: number;
  clock?: Pick<Clock, 'now'>;
}

const DEFAULT_OUTSTANDING = 100;
/** Places that asked to be left alone; those that did so longest ago are forgotten first. */
const MAX_PLACES = 10_000;
/** RFC 3261 21.5.4: who asks for longer is asked again all the same, seconds. */
const LONGEST_HOLD = 3600;

export class Congestion {
  readonly #slots: Slots;
  /** Until when nothing is sent to a URI, milliseconds since 1970. */
  readonly #held = new Map<string, number>();
  readonly #clock: Pick<Clock, 'now'>;
  /** The same of the core itself. */
  #coreHeld = 0;
  readonly #closeListeners = new Set<() => void>();
  #closed: TransportError | undefined;

  constructor({ outstanding = DEFAULT_OUTSTANDING, clock = systemClock }: CongestionOptions = {}) {
    this.#clock = clock;
    this.#slots = new Slots(outstanding, Number.POSITIVE_INFINITY);
  }

  /**
   * Runs `task` in its turn. What is tried again never takes more than half of the turns.
   * @throws the reason of `signal` while it waits; TransportError when the sender stops.
   */
  async inTurn<T>(urgency: Urgency, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    const turn = this.#slots.enter(urgency);
    try {
      const goes = turn !== undefined && (await unlessAborted(turn.ready, signal));
      if (!goes) throw this.#closed ?? stopped();
      return await task();
    } finally {
      turn?.leave();
    }
  }

  /** Seconds for which a terminal, or the core, has asked for quiet; undefined when neither has. */
  quietFor(uri: string): number | undefined {
    const until = Math.max(this.#coreHeld, this.#held.get(uri) ?? 0);
    const left = Math.ceil((until - this.#clock.now()) / 1000);
    if (left > 0) return left;
    this.#held.delete(uri);
    return undefined;
  }

  /** Retry-After of an answer. A 503 is the core's: agents send none, and it speaks for all that is behind it. */
  heard(
    uri: string,
    { status, retryAfter, outcome }: Pick<Receipt, 'status' | 'retryAfter' | 'outcome'>,
  ): void {
    if (retryAfter === undefined || outcome === 'delivered') return;
    const until = this.#clock.now() + Math.min(retryAfter, LONGEST_HOLD) * 1000;
    if (status === 503) {
      this.#coreHeld = Math.max(this.#coreHeld, until);
      return;
    }
    this.#held.delete(uri);
    this.#held.set(uri, until);
    const [oldest] = this.#held.size > MAX_PLACES ? this.#held.keys() : [];
    if (oldest !== undefined) this.#held.delete(oldest);
  }

  /** A terminal is there again: what it said before counts no more. */
  forget(uri: string): void {
    this.#held.delete(uri);
  }

  /** Why nobody's turn comes any more. */
  get closed(): TransportError | undefined {
    return this.#closed;
  }

  /** Called when nobody's turn comes any more. @returns what ends it. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /** Nobody's turn comes any more: who waits for it, or for a time to try again, is told. */
  close(): void {
    this.#closed = stopped();
    this.#slots.close();
    for (const listener of [...this.#closeListeners]) listener();
  }
}

function stopped(): TransportError {
  return new TransportError('the sender is being stopped');
}
