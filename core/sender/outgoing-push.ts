/** Sends a push to each terminal that it addresses, and retries transient failures within its ttl (AD-5.3.1-7, 9-04). */

import type { Urgency } from '../app/application/slots.js';
import { reasonOf } from '../text.js';
import { doubledDelay } from '../time/backoff.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { CongestionControl } from './congestion-control.js';
import type { PushOptions, Receipt } from './push-request.js';
import type { DirectoryChange, TerminalDirectory } from './terminals/directory.js';
import { reasonForNone, type Target, targetsOf } from './terminals/targets.js';
import { isUnregisteredStatus, type Terminal } from './terminals/terminal.js';

export interface OutgoingPushOptions {
  /** Cancels the push. */
  signal?: AbortSignal;
  /** Called with the final receipts of one address. */
  onReceipts?(receipts: readonly Receipt[], uri: string): void;
  /** Addresses that have final receipts from an earlier run. */
  settled?: ReadonlySet<string>;
}

export interface OutgoingPushContext {
  directory: TerminalDirectory;
  congestion: CongestionControl;
  clock?: Pick<Clock, 'elapsed' | 'after' | 'random'>;
}

/** Makes one attempt at one address. */
export type Attempt = (target: Target) => Promise<Receipt[]>;

/** Backoff of the first retry without a Retry-After, in milliseconds; it doubles with each attempt. */
const BACKOFF = { first: 15_000, longest: 10 * 60_000 };
/** The longest delay of a JavaScript timer, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

export class OutgoingPush {
  readonly #clock: Pick<Clock, 'elapsed' | 'after' | 'random'>;
  /** When the ttl ends, whatever the date is then. */
  readonly #end: number;
  /** Targets that registered during their last attempt. */
  readonly #returned = new Set<Target>();

  constructor(
    private readonly context: OutgoingPushContext,
    private readonly request: PushOptions,
    private readonly attempt: Attempt,
    private readonly options: OutgoingPushOptions = {},
  ) {
    this.#clock = context.clock ?? systemClock;
    this.#end = this.#clock.elapsed() + (request.ttl ?? 0) * 1000;
  }

  /**
   * Sends the push until each address has a final result.
   * @returns a receipt for each terminal and file, or for each request that the core forked.
   * @throws the error of the attempt if there is one address (with several, an error becomes a receipt); the signal's
   * reason.
   */
  async run(): Promise<Receipt[]> {
    const { directory } = this.context;
    for (;;) {
      const targets = targetsOf(this.request, directory);
      if (targets.length > 0) {
        const open = targets.filter(({ uri }) => !this.options.settled?.has(uri));
        const alone = open.length === 1;
        const receipts = await Promise.all(
          open.map((target) => this.#deliver(target).catch((error) => this.#failed(target, error, alone))),
        );
        return receipts.flat();
      }
      const { to } = this.request;
      const reason = reasonForNone(this.request, directory);
      if (!this.#mayRetry)
        return this.#settle(to, [this.#unsent({ reason, why: 'no terminal to send the push to' })]);
      await this.#changed(to, () => targetsOf(this.request, directory).length > 0);
    }
  }

  get #mayRetry(): boolean {
    return this.#clock.elapsed() < this.#end && !this.context.congestion.closed;
  }

  async #deliver(target: Target): Promise<Receipt[]> {
    let urgency: Urgency = 'sender';
    for (let attempts = 0; ; attempts++) {
      const receipts = this.#blocked(target) ?? (await this.#attemptInTurn(target, urgency));
      if (!receipts.some(({ retryable }) => retryable) || !this.#mayRetry)
        return this.#settle(target.uri, receipts);
      urgency = 'retry';
      await this.#nextAttempt(target, attempts);
    }
  }

  async #attempt(target: Target): Promise<Receipt[]> {
    const { congestion } = this.context;
    const { uri } = target;
    const before = this.#known(target);
    // The reason for this attempt. The terminal can register or de-register until its answer arrives.
    const { why } = target;
    const receipts = await this.attempt(target);
    const after = this.#known(target);
    // The answer is older than this registration: it does not end it, and the wait for it would have no end.
    const returned = after !== before && after?.registered === true;
    for (const receipt of receipts) {
      const { status = 0, retryAfter, outcome } = receipt;
      if (returned && (outcome === 'failed' || isUnregisteredStatus(status, retryAfter)))
        this.#returned.add(target);
      congestion.observe(uri, receipt, returned ? undefined : after);
    }
    return receipts.map((receipt) => explain(receipt, why));
  }

  /** Waits until the next attempt is due. */
  async #nextAttempt(target: Target, attempts: number): Promise<void> {
    const { congestion } = this.context;
    const { uri, terminal: { user, id } = { user: this.request.to } } = target;
    if (this.#returned.delete(target)) return;
    // A registrar keeps the registration of a device that is killed and registers again: this is a change as well.
    const isBack = ({ terminal, previous }: DirectoryChange) => {
      const registers = terminal.registered && (id === undefined || terminal.id === id);
      if (registers && !previous?.registered) congestion.clear(uri);
      return registers;
    };
    if (target.isUnavailable()) return await this.#changed(user, isBack);
    const backoff = doubledDelay(BACKOFF, attempts + 1) * (1 + this.#clock.random() / 4);
    const delay = (congestion.retryAfter(uri) ?? this.#unavailable(target) ?? 0) * 1000;
    await this.#changed(user, isBack, Math.max(backoff, delay));
  }

  /** Resolves on a matching change, after `milliseconds`, when the ttl ends, or when the sender stops. */
  #changed(
    user: string,
    matches: (change: DirectoryChange) => boolean,
    milliseconds = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const { signal } = this.options;
    const { congestion, directory } = this.context;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const left = Math.min(milliseconds, this.#end - this.#clock.elapsed(), MAX_TIMER);
      const cleanups = [
        this.#clock.after(Math.max(0, left), () => end()),
        directory.onChangeOf(user, (change) => matches(change) && end()),
        congestion.onClose(() => end()),
        () => signal?.removeEventListener('abort', abort),
      ];
      const end = (error?: unknown) => {
        for (const cleanup of cleanups) cleanup();
        if (error === undefined) resolve();
        else reject(error);
      };
      const abort = () => end(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Turns an error at one of several addresses into a receipt, because the other addresses are independent. */
  #failed(target: Target, error: unknown, alone: boolean): Receipt[] {
    if (alone || this.options.signal?.aborted) throw error;
    const { uri, why } = target;
    const failed = { reason: reasonOf(error), why, retryable: false };
    return this.#settle(uri, [this.#unsent({ ...terminalOf(target), ...failed })]);
  }

  /** Checks again when a slot is free: meanwhile the terminal may have de-registered or sent a Retry-After. */
  async #attemptInTurn(target: Target, urgency: Urgency): Promise<Receipt[]> {
    const { congestion } = this.context;
    try {
      return await congestion.run(
        urgency,
        this.options.signal,
        async () => this.#blocked(target) ?? (await this.#attempt(target)),
      );
    } catch (error) {
      const stopped = error === congestion.closed ? this.#blocked(target) : undefined;
      if (!stopped) throw error;
      return stopped;
    }
  }

  /** Receipts that explain why nothing can be sent to the target now; undefined if it can. */
  #blocked(target: Target): Receipt[] | undefined {
    const { uri, why } = target;
    const terminal = terminalOf(target);
    const { closed } = this.context.congestion;
    if (closed) return [this.#unsent({ ...terminal, reason: closed.message, why })];
    if (target.isUnavailable()) {
      return [
        this.#unsent({
          ...terminal,
          reason: 'the terminal is not registered',
          why: `nothing was sent: ${why}`,
        }),
      ];
    }
    const retryAfter = this.context.congestion.retryAfter(uri);
    if (retryAfter !== undefined) {
      const reason = `Retry-After: no request for another ${retryAfter} s`;
      const unsent = { why: 'nothing was sent: Retry-After has not elapsed', retryAfter };
      return [this.#unsent({ ...terminal, reason, ...unsent })];
    }
    const unavailable = this.#unavailable(target);
    if (unavailable === undefined) return undefined;
    const reason = `the terminal is unavailable: no request for another ${unavailable} s`;
    const unsent = { why: 'nothing was sent: the core did not reach the terminal', retryAfter: unavailable };
    return [this.#unsent({ ...terminal, reason, ...unsent })];
  }

  /** Seconds for which the registered terminal of the target is unavailable. */
  #unavailable(target: Target): number | undefined {
    const known = this.#known(target);
    return known && this.context.congestion.unavailable(target.uri, known);
  }

  /** The addressed terminal, as the directory knows it now. */
  #known({ terminal }: Target): Terminal | undefined {
    return this.context.directory.of(terminal?.user ?? '').find(({ id }) => id === terminal?.id);
  }

  #unsent(facts: Pick<Receipt, 'reason'> & Partial<Receipt>): Receipt {
    const { to, mode = 'auto' } = this.request;
    return {
      to,
      mode: mode === 'auto' ? 'pager' : mode,
      outcome: 'failed',
      retryable: true,
      ...facts,
      bytes: 0,
      milliseconds: 0,
    };
  }

  #settle(uri: string, receipts: readonly Receipt[]): Receipt[] {
    const settled = receipts.map((receipt) => ({ ...receipt, to: this.request.to }));
    this.options.onReceipts?.(settled, uri);
    return settled;
  }
}

function terminalOf({ uri, terminal }: Target): Pick<Receipt, 'terminal'> {
  return { terminal: terminal ? uri : undefined };
}

function explain(receipt: Receipt, why: string): Receipt {
  return { ...receipt, why: receipt.why === undefined ? why : `${receipt.why}; ${why}` };
}
