/**
 * Pushes that a sender has taken responsibility for: each is on disk before its submitter hears of it, goes on over
 * restarts until it came to an end at every terminal, and is kept for a while to be asked about.
 */

import { platform } from '#platform';
import { defined } from '../../defined.js';
import { LimitError, SipPushError } from '../../errors.js';
import type { Records } from '../../store/records.js';
import { type Clock, systemClock } from '../../time/clock.js';
import type { DeliveryOptions } from '../delivery.js';
import type { PushRequest, Receipt } from '../push-request.js';
import { OutboxContents } from './contents.js';
import { Ledger } from './ledger.js';
import { normalOrder, type OrderedContent, type OutboxRecord, type PushOrder, requestOf } from './record.js';

export interface OutboxOptions {
  sender: { send(push: PushRequest, options: DeliveryOptions): Promise<Receipt[]> };
  records: Records;
  /** Folder for contents; a temporary one when absent. */
  folder?: string;
  clock?: Pick<Clock, 'now' | 'after'>;
  limits?: Partial<OutboxLimits>;
  /** Whenever a push has another receipt, or another state. */
  onChange?(push: OutboxRecord): void;
  /** What could not be read or written. */
  onError?(error: Error): void;
}

export interface OutboxLimits {
  /** Pushes that are under way, or wait. */
  waiting: number;
  /** Contents, and bytes of all of them. */
  contents: number;
  bytes: number;
  /** Pushes that ended, kept to be asked about, and for how long, milliseconds. */
  ended: number;
  endedFor: number;
}

const LIMITS: OutboxLimits = {
  waiting: 10_000,
  contents: 20_000,
  bytes: 10 * 1024 ** 3,
  ended: 10_000,
  endedFor: 24 * 3_600_000,
};

/** As many pushes wait as may. */
export class OutboxFullError extends LimitError {}

/** The same Idempotency-Key came with another push. */
export class KeyReusedError extends SipPushError {}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #limits: OutboxLimits;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #contents: OutboxContents;
  readonly #ledger: Ledger;
  /** By id, those that are not on disk yet. */
  readonly #taking = new Map<string, Promise<void>>();
  /** Of those under way: ends it. */
  readonly #underWay = new Map<string, AbortController>();
  readonly #runs = new Set<Promise<void>>();
  #stopped = false;

  private constructor(options: OutboxOptions, contents: OutboxContents) {
    const { records, onChange, onError = () => {}, clock = systemClock } = options;
    this.#options = options;
    this.#limits = { ...LIMITS, ...defined(options.limits ?? {}) };
    this.#clock = clock;
    this.#contents = contents;
    const { ended, endedFor } = this.#limits;
    this.#ledger = new Ledger({
      ...{ records, clock, ended, endedFor, onError },
      onChange,
    });
  }

  /** Goes on with what the store holds. @throws StoreError */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { folder, clock = systemClock, limits, onError = () => {} } = options;
    const { contents: filesCount, bytes: filesBytes } = { ...LIMITS, ...defined(limits ?? {}) };
    const contents = await OutboxContents.open(folder, { filesCount, filesBytes }, clock, onError);
    const outbox = new Outbox(options, contents);
    try {
      for (const push of await outbox.#ledger.load()) outbox.#resume(push);
    } catch (error) {
      await contents.close();
      throw error;
    }
    return outbox;
  }

  /** Pushes that are under way, or wait. */
  get waiting(): number {
    return this.#underWay.size;
  }

  /** Keeps content for a push that comes within an hour. @throws LimitError when there is no room. */
  addContent(body: ReadableStream<Uint8Array>): Promise<{ id: string; size: number }> {
    return this.#contents.add(body);
  }

  /**
   * Takes a push: on disk when it resolves.
   * @param key the same push under the same key is taken once.
   * @throws OutboxFullError; ConfigurationError for content that is not there; KeyReusedError;
   * StoreError.
   */
  async submit(order: PushOrder, key?: string): Promise<{ push: OutboxRecord; known: boolean }> {
    const known = key === undefined ? undefined : this.#ledger.underKey(key);
    if (known) {
      if (!isSame(known.order, order)) throw new KeyReusedError(`the key ${key} was used for another push`);
      await this.#taking.get(known.id);
      return { push: known, known: true };
    }
    if (this.#stopped || this.#underWay.size >= this.#limits.waiting) {
      throw new OutboxFullError(`${this.#limits.waiting} pushes wait, the most that may`);
    }
    const claimed = this.#claim(order.contents);
    const push: OutboxRecord = {
      id: platform.randomHex(16),
      key,
      ...{ order, state: 'waiting', takenAt: this.#clock.now(), receipts: [], settled: [] },
    };
    const abort = new AbortController();
    this.#underWay.set(push.id, abort);
    // Before the first wait: whoever submits it again meanwhile gets the same.
    const taking = this.#ledger.add(push);
    this.#taking.set(push.id, taking);
    try {
      await taking;
    } catch (error) {
      this.#underWay.delete(push.id);
      await Promise.all(claimed.map((id) => this.#contents.release(id)));
      throw error;
    } finally {
      this.#taking.delete(push.id);
    }
    // It is the next process's where this one was stopped meanwhile.
    if (!this.#stopped) this.#begin(push, abort);
    return { push, known: false };
  }

  get(id: string): OutboxRecord | undefined {
    return this.#ledger.get(id);
  }

  /**
   * Nothing more is sent of it, by the next process neither when this resolves; what is on its way is cancelled where it
   * still can be. Of one that ended nothing changes. @throws StoreError
   */
  async cancel(id: string): Promise<OutboxRecord | undefined> {
    const push = this.#ledger.get(id);
    this.#underWay.get(id)?.abort(new CancelledError('the push was cancelled'));
    if (push?.state !== 'waiting') return push;
    const cancelled: OutboxRecord = { ...push, state: 'cancelled', endedAt: this.#clock.now() };
    await this.#ledger.change(cancelled);
    return cancelled;
  }

  /** Those under way go on with the next process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const abort of this.#underWay.values()) abort.abort(new StoppedError('the sender is being stopped'));
    await Promise.all(this.#runs);
    await this.#contents.close();
  }

  #resume(push: OutboxRecord): void {
    const abort = new AbortController();
    try {
      this.#claim(push.order.contents);
    } catch (error) {
      const receipts = [...push.receipts, failed(push.order, asError(error))];
      this.#ledger.change(this.#ended({ ...push, receipts })).catch((error: Error) => this.#tell(error));
      return;
    }
    this.#underWay.set(push.id, abort);
    this.#begin(push, abort);
  }

  #begin(push: OutboxRecord, abort: AbortController): void {
    const run = this.#run(push, abort.signal).finally(() => {
      this.#underWay.delete(push.id);
      this.#runs.delete(run);
    });
    this.#runs.add(run);
  }

  async #run({ id, order, settled, takenAt }: OutboxRecord, signal: AbortSignal): Promise<void> {
    let failure: Receipt[] = [];
    try {
      const left = Math.max(0, (order.ttl ?? 0) - (this.#clock.now() - takenAt) / 1000);
      const request = await requestOf(id, { ...order, ttl: left }, this.#contents);
      await this.#options.sender.send(request, {
        signal,
        settled: new Set(settled),
        onReceipts: (receipts, uri) => this.#settled(id, receipts, uri),
      });
    } catch (error) {
      // Whatever it failed with then is no word of any terminal.
      if (signal.reason instanceof StoppedError) return;
      if (!(signal.reason instanceof CancelledError)) failure = [failed(order, asError(error))];
    }
    try {
      await this.#finish(id, failure);
    } catch (error) {
      // As long as the store says that it waits, the next process needs its contents.
      this.#tell(asError(error));
      return;
    }
    await Promise.all(idsOf(order.contents).map((content) => this.#contents.release(content)));
  }

  async #finish(id: string, failure: readonly Receipt[]): Promise<void> {
    const push = this.#ledger.get(id);
    if (push?.state !== 'waiting') {
      if (push) await this.#ledger.write(push);
      return;
    }
    await this.#ledger.change(this.#ended({ ...push, receipts: [...push.receipts, ...failure] }));
  }

  #settled(id: string, receipts: readonly Receipt[], uri: string): void {
    const push = this.#ledger.get(id);
    if (push?.state !== 'waiting') return;
    const { receipts: before, settled } = push;
    this.#ledger
      .change({ ...push, receipts: [...before, ...receipts], settled: [...settled, uri] })
      .catch((error: Error) => this.#tell(error));
  }

  #ended(push: OutboxRecord): OutboxRecord {
    return { ...push, state: 'ended', endedAt: this.#clock.now() };
  }

  #tell(error: Error): void {
    this.#options.onError?.(error);
  }

  /** All of them or none. */
  #claim(contents: readonly OrderedContent[]): string[] {
    const claimed: string[] = [];
    try {
      for (const id of idsOf(contents)) {
        this.#contents.claim(id);
        claimed.push(id);
      }
    } catch (error) {
      for (const id of claimed) void this.#contents.release(id);
      throw error;
    }
    return claimed;
  }
}

/** Reasons of an abort. */
class CancelledError extends SipPushError {}
class StoppedError extends SipPushError {}

function idsOf(contents: readonly OrderedContent[]): string[] {
  return contents.flatMap((content) => ('content' in content ? content.content : []));
}

/** Content that was sent again is the same content under another name. */
function isSame(one: PushOrder, other: PushOrder): boolean {
  const [first, second] = [one, other].map((order) => {
    const { contents, ...rest } = normalOrder(order);
    const nameless = contents.map((each) => ('content' in each ? { ...each, content: '' } : each));
    return JSON.stringify({ ...rest, contents: nameless });
  });
  return first === second;
}

/** What no terminal had a part in. */
function failed({ to, mode }: PushOrder, error: Error): Receipt {
  return {
    to,
    mode: mode === 'auto' ? 'pager' : mode,
    outcome: 'failed',
    reason: error.message,
    retryable: false,
    bytes: 0,
    milliseconds: 0,
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
