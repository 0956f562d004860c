/**
 * Limits concurrent requests to the core, and delays requests to terminals and servers that ask for it or are unavailable
 * (TS 9.4; RFC 5390 and RFC 6357 explain why).
 */

import { Slots, type Urgency } from '../app/application/slots.js';
import { TransportError } from '../errors.js';
import { unlessAborted } from '../time/abort-signal.js';
import { type BackoffLimits, doubledDelay } from '../time/backoff.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { Receipt } from './push-request.js';
import { gruuIdentity, isUnregisteredStatus, type Terminal } from './terminals/terminal.js';

export interface CongestionControlOptions {
  /** Concurrent requests, 100 if absent; further requests wait. */
  outstanding?: number;
  /** Identifies the server that requests are sent to now; undefined while disconnected. */
  nextHop?(): string | undefined;
  clock?: Pick<Clock, 'elapsed'>;
}

const DEFAULT_OUTSTANDING = 100;
/** URIs whose Retry-After is remembered, and terminals that are unavailable; the least recent one is dropped first. */
const MAX_URIS = 10_000;
/** The longest Retry-After that is observed, in seconds (RFC 3261 §21.5.4). */
const MAX_RETRY_AFTER = 3600;
/** How long a registered terminal is unavailable after a 480, 404 or 410, in milliseconds; it doubles with each of them. */
const UNAVAILABLE: BackoffLimits = { first: 60_000, longest: 30 * 60_000 };

interface UnavailableTerminal {
  /** As the directory knew the terminal at the last answer: every later registration replaces this object. */
  terminal: Terminal;
  /** Answers in a row as if it were not registered. */
  answers: number;
  /** When requests may be sent again, by the elapsed time. */
  until: number;
}

export class CongestionControl {
  readonly #slots: Slots;
  /** By URI, or by next hop: when requests may be sent again, by the elapsed time. */
  readonly #blockedUntil = new Map<string, number>();
  /** By GRUU. */
  readonly #unavailable = new Map<string, UnavailableTerminal>();
  readonly #nextHop: () => string | undefined;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #closeListeners = new Set<() => void>();
  #closed: TransportError | undefined;

  constructor(options: CongestionControlOptions = {}) {
    const { outstanding = DEFAULT_OUTSTANDING, nextHop = () => '', clock = systemClock } = options;
    this.#nextHop = nextHop;
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

  /** Seconds until requests to the URI may be sent again by Retry-After; undefined if they may be sent now. */
  retryAfter(uri: string): number | undefined {
    return this.#left(keyOf(uri)) ?? this.#left(hopKey(this.#nextHop()));
  }

  /**
   * Seconds for which the terminal is unavailable, because it answered as if it were not registered; undefined if it is
   * available, or has registered since.
   */
  unavailable(uri: string, terminal: Terminal): number | undefined {
    const key = keyOf(uri);
    const known = this.#unavailable.get(key);
    if (!known) return undefined;
    if (known.terminal === terminal) return secondsLeft(known.until - this.#clock.elapsed());
    this.#unavailable.delete(key);
    return undefined;
  }

  /**
   * Observes a response. The Retry-After of a 503 is of the next hop, because a proxy does not forward a 503 (RFC 3261
   * §16.7 step 6): it delays what is sent by that hop. The Retry-After of another status delays requests to the URI.
   * @param terminal the registered terminal at the URI, as the directory knows it.
   */
  observe(
    uri: string,
    { status = 0, retryAfter, outcome }: Pick<Receipt, 'status' | 'retryAfter' | 'outcome'>,
    terminal?: Terminal,
  ): void {
    const key = keyOf(uri);
    if (outcome === 'delivered') {
      this.#unavailable.delete(key);
    } else if (retryAfter !== undefined) {
      const until = this.#clock.elapsed() + Math.min(retryAfter, MAX_RETRY_AFTER) * 1000;
      remember(this.#blockedUntil, status === 503 ? hopKey(this.#nextHop()) : key, until);
    } else if (terminal && isUnregisteredStatus(status, retryAfter)) {
      const known = this.#unavailable.get(key);
      const answers = known?.terminal === terminal ? known.answers + 1 : 1;
      const until = this.#clock.elapsed() + doubledDelay(UNAVAILABLE, answers);
      remember(this.#unavailable, key, { terminal, answers, until });
    }
  }

  /** Forgets the Retry-After of a terminal that has registered again. */
  clear(uri: string): void {
    this.#blockedUntil.delete(keyOf(uri));
  }

  #left(key: string): number | undefined {
    const left = secondsLeft((this.#blockedUntil.get(key) ?? 0) - this.#clock.elapsed());
    if (left === undefined) this.#blockedUntil.delete(key);
    return left;
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

/** A GRUU and its `sips` form address the same terminal. */
function keyOf(uri: string): string {
  return gruuIdentity(uri);
}

/** Differs from every URI. */
function hopKey(hop = ''): string {
  return `next hop ${hop}`;
}

function secondsLeft(milliseconds: number): number | undefined {
  return milliseconds > 0 ? Math.ceil(milliseconds / 1000) : undefined;
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.size > MAX_URIS ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}

function stopped(): TransportError {
  return new TransportError('the sender is stopping');
}
