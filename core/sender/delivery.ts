/** A push on its way to every terminal that it is for, as long as it is worth something (AD-5.3.1-7, 9-04). */

import type { Urgency } from '../app/application/slots.js';
import { reasonOf } from '../text.js';
import { doubledDelay } from '../time/backoff.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { Congestion } from './congestion.js';
import type { DeliveryRequest, Receipt } from './push-request.js';
import type { DirectoryChange, TerminalDirectory } from './terminals/directory.js';
import { reasonForNone, type Target, targetsOf } from './terminals/targets.js';
import { saysGone } from './terminals/terminal.js';

export interface DeliveryOptions {
  /** Cancels the push. */
  signal?: AbortSignal;
  /** Called with the final receipts of an address. */
  onReceipts?(receipts: readonly Receipt[], uri: string): void;
  /** Addresses that have final receipts: nothing is sent to them. */
  settled?: ReadonlySet<string>;
}

export interface DeliveryCapacity {
  directory: TerminalDirectory;
  congestion: Congestion;
  clock?: Pick<Clock, 'now' | 'after' | 'random'>;
}

/** One attempt at one address. */
export type Attempt = (target: Target) => Promise<Receipt[]>;

/** Milliseconds until the next attempt at a terminal that said nothing of it; twice as long each further time. */
const BACKOFF = { first: 15_000, longest: 10 * 60_000 };
/** What timers hold, milliseconds: 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Delivery {
  readonly #clock: Pick<Clock, 'now' | 'after' | 'random'>;
  /** Milliseconds since 1970 after which nothing is tried again. */
  readonly #end: number;

  constructor(
    private readonly room: DeliveryCapacity,
    private readonly request: DeliveryRequest,
    private readonly attempt: Attempt,
    private readonly options: DeliveryOptions = {},
  ) {
    this.#clock = room.clock ?? systemClock;
    this.#end = this.#clock.now() + (request.ttl ?? 0) * 1000;
  }

  /**
   * A receipt for each terminal (and file), or for whatever the core found.
   * @throws what the attempt throws where there is one address; of several each has its receipt. The signal's reason.
   */
  async run(): Promise<Receipt[]> {
    const { directory } = this.room;
    for (;;) {
      const targets = targetsOf(this.request, directory);
      if (targets.length > 0) {
        const waiting = targets.filter(({ uri }) => !this.options.settled?.has(uri));
        const alone = waiting.length === 1;
        const receipts = await Promise.all(
          waiting.map((target) =>
            this.#toTarget(target).catch((error) => this.#failed(target, error, alone)),
          ),
        );
        return receipts.flat();
      }
      const { to } = this.request;
      const reason = reasonForNone(this.request, directory);
      if (!this.#mayWait) return this.#settle(to, [this.#unsent({ reason, why: 'nobody to send it to' })]);
      await this.#changed(to, () => targetsOf(this.request, directory).length > 0);
    }
  }

  get #mayWait(): boolean {
    return this.#clock.now() < this.#end && !this.room.congestion.closed;
  }

  async #toTarget(target: Target): Promise<Receipt[]> {
    let urgency: Urgency = 'sender';
    for (let attempts = 0; ; attempts++) {
      const receipts = this.#heldOff(target) ?? (await this.#inTurn(target, urgency));
      if (!receipts.some(({ retryable }) => retryable) || !this.#mayWait)
        return this.#settle(target.uri, receipts);
      urgency = 'retry';
      await this.#next(target, attempts);
    }
  }

  async #attempt(target: Target): Promise<Receipt[]> {
    const { directory, congestion } = this.room;
    const { uri, terminal } = target;
    const receipts = await this.attempt(target);
    for (const receipt of receipts) {
      congestion.heard(uri, receipt);
      const { status = 0, retryAfter } = receipt;
      if (terminal && saysGone(status, retryAfter)) directory.left(terminal.user, terminal);
    }
    return receipts.map((receipt) => explain(receipt, target));
  }

  /** Until it is worth another attempt. */
  async #next(target: Target, attempts: number): Promise<void> {
    const { congestion } = this.room;
    const { uri, terminal: { user, id } = { user: this.request.to } } = target;
    const isBack = ({ terminal, before }: DirectoryChange) => {
      const back = terminal.here && !before?.here && (id === undefined || terminal.id === id);
      if (back) congestion.forget(uri);
      return back;
    };
    if (target.isAway()) return await this.#changed(user, isBack);
    const backoff = doubledDelay(BACKOFF, attempts + 1) * (1 + this.#clock.random() / 4);
    const quiet = (congestion.quietFor(uri) ?? 0) * 1000;
    await this.#changed(user, isBack, Math.max(backoff, quiet));
  }

  /** Resolves when such a change comes, after `milliseconds`, at the end of the push's time, or when the sender stops. */
  #changed(
    user: string,
    matters: (change: DirectoryChange) => boolean,
    milliseconds = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const { signal } = this.options;
    const { congestion, directory } = this.room;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const left = Math.min(milliseconds, this.#end - this.#clock.now(), LONGEST_TIMER);
      const stops = [
        this.#clock.after(Math.max(0, left), () => end()),
        directory.onChangeOf(user, (change) => matters(change) && end()),
        congestion.onClose(() => end()),
        () => signal?.removeEventListener('abort', abort),
      ];
      const end = (error?: unknown) => {
        for (const stop of stops) stop();
        if (error === undefined) resolve();
        else reject(error);
      };
      const abort = () => end(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** What cannot be sent to one terminal may go to the others. */
  #failed(target: Target, error: unknown, alone: boolean): Receipt[] {
    if (alone || this.options.signal?.aborted) throw error;
    const { uri, why } = target;
    const failed = { reason: reasonOf(error), why, retryable: false };
    return this.#settle(uri, [this.#unsent({ ...terminalOf(target), ...failed })]);
  }

  /** Once more in its turn: it may have left while the push waited for that, or asked for quiet. */
  async #inTurn(target: Target, urgency: Urgency): Promise<Receipt[]> {
    const { congestion } = this.room;
    try {
      return await congestion.inTurn(
        urgency,
        this.options.signal,
        async () => this.#heldOff(target) ?? (await this.#attempt(target)),
      );
    } catch (error) {
      const stopped = error === congestion.closed ? this.#heldOff(target) : undefined;
      if (!stopped) throw error;
      return stopped;
    }
  }

  /** Why nothing is sent there now. */
  #heldOff(target: Target): Receipt[] | undefined {
    const { uri, why } = target;
    const terminal = terminalOf(target);
    const { closed } = this.room.congestion;
    if (closed) return [this.#unsent({ ...terminal, reason: closed.message, why })];
    if (target.isAway()) {
      const away = { reason: 'the terminal is away', why: `nothing was sent: ${why}` };
      return [this.#unsent({ ...terminal, ...away })];
    }
    const retryAfter = this.room.congestion.quietFor(uri);
    if (retryAfter === undefined) return undefined;
    const reason = `asked for quiet for another ${retryAfter} s`;
    return [this.#unsent({ ...terminal, reason, why: 'nothing was sent: it said Retry-After', retryAfter })];
  }

  #unsent(said: Pick<Receipt, 'reason'> & Partial<Receipt>): Receipt {
    const { to, mode = 'auto' } = this.request;
    return {
      to,
      mode: mode === 'auto' ? 'pager' : mode,
      outcome: 'failed',
      retryable: true,
      ...said,
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
  return terminal ? { terminal: uri } : {};
}

function explain(receipt: Receipt, { why }: Target): Receipt {
  return { ...receipt, why: receipt.why === undefined ? why : `${receipt.why}; ${why}` };
}
