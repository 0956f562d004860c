/** Submits pushes to the HTTP API of the sender, and counts their receipts. */

import { setTimeout as pause } from 'node:timers/promises';
import { TransportError } from '../../core/errors.js';
import { RefusedRequestError, type SenderClient } from '../../sdk/http-api/client.js';
import { contentOf } from './counting-app.mjs';
import { appOf, type Deployment, MODES, type Mode } from './deployment.js';

/** Of ten pushes, six are in pager mode. Each mode has a size that is usual for it. */
const MIX: readonly Mode[] = [
  ...(['pager', 'session', 'pager', 'pager', 'indirect'] as const),
  ...(['pager', 'indirect', 'pager', 'session', 'pager'] as const),
];
const SIZES: Readonly<Record<Mode, number>> = { pager: 300, session: 32_768, indirect: 8192 };
/** Seconds for which the sender retries a push. */
const TTL = 600;
/** Pushes in progress. A slower deployment is not flooded: the pushes that are due wait. */
const MAX_WAITING = 400;
const TICK_MS = 50;
const WARM_UP_SECONDS = 3;
const CAPACITY_SECONDS = 12;
/** Concurrent submissions that measure the capacity. */
const SUBMITTERS = 32;
const ATTEMPTS = 60;
const RETRY_MS = 1000;
/** Errors that are kept. */
const MAX_ERRORS = 20;

/** The part of the pushes in this mode. */
export function shareOf(mode: Mode): number {
  return MIX.filter((each) => each === mode).length / MIX.length;
}

export interface ModeCounts {
  submitted: number;
  acknowledged: number;
  /** Numbers of the pushes that have no receipt `delivered`. */
  unacknowledged: Set<number>;
}

export class Load {
  readonly modes: Readonly<Record<Mode, ModeCounts>>;
  /** The first receipts that are not `delivered`, and the first failed requests. */
  readonly errors: string[] = [];
  waiting = 0;
  /** Requests that were repeated. */
  repeated = 0;
  #next = 0;

  constructor(private readonly deployment: Deployment) {
    const counts = (): ModeCounts => ({ submitted: 0, acknowledged: 0, unacknowledged: new Set() });
    this.modes = { pager: counts(), session: counts(), indirect: counts() };
  }

  get submitted(): number {
    return MODES.reduce((sum, mode) => sum + this.modes[mode].submitted, 0);
  }

  get acknowledged(): number {
    return MODES.reduce((sum, mode) => sum + this.modes[mode].acknowledged, 0);
  }

  /** @returns receipts a second, after a time in which the processes warm up. */
  async measureCapacity(signal: AbortSignal): Promise<number> {
    await this.#submitFor(WARM_UP_SECONDS, signal);
    return await this.#submitFor(CAPACITY_SECONDS, signal);
  }

  /** Submits as fast as receipts arrive. @returns receipts a second. */
  async #submitFor(seconds: number, signal: AbortSignal): Promise<number> {
    const start = performance.now();
    const before = this.acknowledged;
    const end = start + seconds * 1000;
    const submit = async () => {
      while (performance.now() < end && !signal.aborted) await this.#push();
    };
    await Promise.all(Array.from({ length: SUBMITTERS }, submit));
    return ((this.acknowledged - before) * 1000) / (performance.now() - start);
  }

  /** Submits at this rate until the signal aborts, and then waits for all receipts. */
  async run(rate: number, signal: AbortSignal): Promise<void> {
    const pushes = new Set<Promise<void>>();
    let due = 0;
    let last = performance.now();
    while (!signal.aborted) {
      const now = performance.now();
      due = Math.min(due + ((now - last) * rate) / 1000, MAX_WAITING);
      last = now;
      for (; due >= 1 && this.waiting < MAX_WAITING; due--) {
        const push = this.#push().finally(() => pushes.delete(push));
        pushes.add(push);
      }
      await pause(TICK_MS, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(pushes);
  }

  /** Submits one push and waits for its receipt. Never rejects. */
  async #push(): Promise<void> {
    const mode = MIX[this.#next++ % MIX.length] ?? 'pager';
    const counts = this.modes[mode];
    const number = counts.submitted++;
    counts.unacknowledged.add(number);
    this.waiting++;
    try {
      const { client, user } = this.deployment;
      const text = contentOf(number, SIZES[mode]);
      const push = { to: user, app: appOf(mode), mode, ttl: TTL, content: { type: 'text/plain', text } };
      const { id } = await this.#retried(() => client.submit(push, `${mode} ${number}`));
      const [receipt] = await this.#retried(() => receiptsOf(client, id));
      if (receipt?.outcome !== 'delivered')
        throw new Error(`${receipt?.outcome}: ${receipt?.status} ${receipt?.reason}`);
      counts.acknowledged++;
      counts.unacknowledged.delete(number);
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      if (this.errors.length < MAX_ERRORS) this.errors.push(`push ${number} in mode ${mode}: ${reason}`);
    } finally {
      this.waiting--;
    }
  }

  /**
   * Repeats a request whose answer was lost, as any client of the API has to: the server closes a connection without requests
   * while the next request is on its way. The Idempotency-Key makes it the same push.
   */
  async #retried<T>(request: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        const retryable =
          error instanceof RefusedRequestError ? error.retryable : error instanceof TransportError;
        if (!retryable || attempt === ATTEMPTS) throw error;
        this.repeated++;
        await pause(RETRY_MS);
      }
    }
  }
}

async function receiptsOf(client: SenderClient, id: string) {
  const receipts = [];
  for await (const receipt of client.receipts(id)) receipts.push(receipt);
  return receipts;
}
