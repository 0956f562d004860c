/** Limits concurrent requests to the core, and observes Retry-After (TS 9.4; RFC 5390 and RFC 6357 explain why). */

import { Slots, type Urgency } from '../app/application/slots.js';
import { TransportError } from '../errors.js';
import { unlessAborted } from '../time/abort-signal.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { Receipt } from './push-request.js';

export interface CongestionControlOptions {
  /** Concurrent requests, 100 if absent; further requests wait. */
  outstanding?: number;
  clock?: Pick<Clock, 'elapsed'>;
}

const DEFAULT_OUTSTANDING = 100;
/** URIs whose Retry-After is remembered; the least recent one is dropped first. */
const MAX_URIS = 10_000;
/** The longest Retry-After that is observed, in seconds (RFC 3261 §21.5.4). */
const MAX_RETRY_AFTER = 3600;

export class CongestionControl {
  readonly #slots: Slots;
  /** By URI: when requests may be sent again, by the elapsed time. */
  readonly #blockedUntil = new Map<string, number>();
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** When requests to the core may be sent again. */
  #coreBlockedUntil = 0;
  readonly #closeListeners = new Set<() => void>();
  #closed: TransportError | undefined;

  constructor({ outstanding = DEFAULT_OUTSTANDING, clock = systemClock }: CongestionControlOptions = {}) {
    this.#clock = clock;
    this.#slots = new Slots(outstanding, Number.POSITIVE_INFINITY);
  }

  /**
   * Runs `task` when a slot is free. Retries use at most half of the slots.
   * @throws the reason of `signal` if it is aborted while the task waits; TransportError when the sender stops.
   */
  async run<T>(urgency: Urgency, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    const slot = this.#slots.enter(urgency);
    try {
      const entered = slot !== undefined && (await unlessAborted(slot.ready, signal));
      if (!entered) throw this.#closed ?? stopped();
      return await task();
    } finally {
      slot?.leave();
    }
  }

  /** Seconds until requests to the URI may be sent again; undefined if they may be sent now. */
  retryAfter(uri: string): number | undefined {
    const until = Math.max(this.#coreBlockedUntil, this.#blockedUntil.get(uri) ?? 0);
    const left = Math.ceil((until - this.#clock.elapsed()) / 1000);
    if (left > 0) return left;
    this.#blockedUntil.delete(uri);
    return undefined;
  }

  /** Observes the Retry-After of a response. A 503 comes from the core, because agents send none: it blocks all URIs. */
  observe(
    uri: string,
    { status, retryAfter, outcome }: Pick<Receipt, 'status' | 'retryAfter' | 'outcome'>,
  ): void {
    if (retryAfter === undefined || outcome === 'delivered') return;
    const until = this.#clock.elapsed() + Math.min(retryAfter, MAX_RETRY_AFTER) * 1000;
    if (status === 503) {
      this.#coreBlockedUntil = Math.max(this.#coreBlockedUntil, until);
      return;
    }
    this.#blockedUntil.delete(uri);
    this.#blockedUntil.set(uri, until);
    const [oldest] = this.#blockedUntil.size > MAX_URIS ? this.#blockedUntil.keys() : [];
    if (oldest !== undefined) this.#blockedUntil.delete(oldest);
  }

  /** Forgets the Retry-After of a terminal that has registered again. */
  clear(uri: string): void {
    this.#blockedUntil.delete(uri);
  }

  /** The error of every further request, after `close`. */
  get closed(): TransportError | undefined {
    return this.#closed;
  }

  /** Calls `listener` on `close`. @returns a function that removes the listener. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /** Rejects waiting and further requests, and ends the waits for a retry. */
  close(): void {
    this.#closed = stopped();
    this.#slots.close();
    for (const listener of [...this.#closeListeners]) listener();
  }
}

function stopped(): TransportError {
  return new TransportError('the sender is stopping');
}
