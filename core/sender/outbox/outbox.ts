/**
 * Pushes that a sender has taken responsibility for: each is on disk before its submitter hears of it, goes on over
 * restarts until it came to an end at every terminal, and is kept for a while to be asked about.
 */

import { platform } from '#platform';
import { type Clock, systemClock } from '../../app/clock.js';
import { encodeJson } from '../../app/layout.js';
import type { Records } from '../../app/records.js';
import { LimitError, SipPushError } from '../../errors.js';
import type { DeliveryOptions } from '../delivery.js';
import type { PushRequest, Receipt } from '../push-request.js';
import { OutboxContents } from './contents.js';
import {
  decodeRecord,
  normalOrder,
  type OrderedContent,
  type OutboxRecord,
  type PushOrder,
} from './record.js';
import { requestOf } from './request.js';

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
const KEY = 'push/out/';

/** As many pushes wait as may. */
export class OutboxFullError extends LimitError {}

/** The same Idempotency-Key came with another push. */
export class KeyReusedError extends SipPushError {}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #limits: OutboxLimits;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #contents: OutboxContents;
  readonly #pushes = new Map<string, OutboxRecord>();
  /** Ids by Idempotency-Key. */
  readonly #byKey = new Map<string, string>();
  /** Of those under way: ends it. */
  readonly #underWay = new Map<string, AbortController>();
  /** The one that ended first, first. */
  readonly #ended = new Set<string>();
  readonly #runs = new Set<Promise<void>>();
  #stopped = false;

  private constructor(options: OutboxOptions, contents: OutboxContents) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#contents = contents;
  }

  /** Goes on with what the store holds. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { records, folder, clock = systemClock, limits, onError = () => {} } = options;
    const { contents: filesCount, bytes: filesBytes } = { ...LIMITS, ...limits };
    const contents = await OutboxContents.open(folder, { filesCount, filesBytes }, clock, onError);
    const outbox = new Outbox(options, contents);
    const found: OutboxRecord[] = [];
    for await (const [, bytes] of records.entries(KEY)) {
      try {
        found.push(decodeRecord(bytes));
      } catch (error) {
        onError(asError(error));
      }
    }
    found.sort((one, other) => (one.endedAt ?? one.takenAt) - (other.endedAt ?? other.takenAt));
    for (const push of found) outbox.#resume(push);
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
    const known = key === undefined ? undefined : this.#pushes.get(this.#byKey.get(key) ?? '');
    if (known) {
      if (!isSame(known.order, order)) throw new KeyReusedError(`the key ${key} was used for another push`);
      return { push: known, known: true };
    }
    if (this.#stopped || this.#underWay.size >= this.#limits.waiting) {
      throw new OutboxFullError(`${this.#limits.waiting} pushes wait, the most that may`);
    }
    const claimed = this.#claim(order.contents);
    const push: OutboxRecord = {
      id: platform.randomHex(16),
      ...(key === undefined ? {} : { key }),
      ...{ order, state: 'waiting', takenAt: this.#clock.now(), receipts: [], settled: [] },
    };
    // Before the first wait: whoever submits it again meanwhile gets the same.
    this.#keep(push);
    const abort = new AbortController();
    this.#underWay.set(push.id, abort);
    try {
      await this.#write(push, 'synced');
    } catch (error) {
      this.#forget(push);
      await Promise.all(claimed.map((id) => this.#contents.release(id)));
      throw error;
    }
    this.#begin(push, abort);
    return { push, known: false };
  }

  get(id: string): OutboxRecord | undefined {
    this.#prune();
    return this.#pushes.get(id);
  }

  /** Nothing more is sent of it; what is on its way is cancelled where it still can be. Of one that ended nothing changes. */
  async cancel(id: string): Promise<OutboxRecord | undefined> {
    const push = this.#pushes.get(id);
    this.#underWay.get(id)?.abort(new CancelledError('the push was cancelled'));
    if (push?.state !== 'waiting') return push;
    this.#change({ ...push, state: 'cancelled', endedAt: this.#clock.now() }, 'synced');
    return this.#pushes.get(id);
  }

  /** Those under way go on with the next process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const abort of this.#underWay.values()) abort.abort(new StoppedError('the sender is being stopped'));
    await Promise.all(this.#runs);
    await this.#contents.close();
  }

  #resume(push: OutboxRecord): void {
    this.#keep(push);
    if (push.state !== 'waiting') {
      this.#ended.add(push.id);
      return;
    }
    const abort = new AbortController();
    this.#underWay.set(push.id, abort);
    try {
      this.#claim(push.order.contents);
      this.#begin(push, abort);
    } catch (error) {
      this.#underWay.delete(push.id);
      this.#end({ ...push, receipts: [...push.receipts, failed(push.order, asError(error))] });
    }
  }

  #begin(push: OutboxRecord, abort: AbortController): void {
    const run = this.#run(push, abort.signal).finally(() => {
      this.#underWay.delete(push.id);
      this.#runs.delete(run);
    });
    this.#runs.add(run);
  }

  async #run({ id, order, settled, takenAt }: OutboxRecord, signal: AbortSignal): Promise<void> {
    const contents = idsOf(order.contents);
    let end: Receipt | undefined;
    try {
      const left = Math.max(0, (order.ttl ?? 0) - (this.#clock.now() - takenAt) / 1000);
      const request = await requestOf(id, { ...order, ttl: left }, this.#contents);
      await this.#options.sender.send(request, {
        signal,
        settled: new Set(settled),
        onReceipts: (receipts, uri) => this.#settled(id, receipts, uri),
      });
    } catch (error) {
      if (error instanceof StoppedError) return;
      if (!(error instanceof CancelledError)) end = failed(order, asError(error));
    }
    const push = this.#pushes.get(id);
    if (push?.state === 'waiting') this.#end(end ? { ...push, receipts: [...push.receipts, end] } : push);
    await Promise.all(contents.map((content) => this.#contents.release(content)));
  }

  #settled(id: string, receipts: readonly Receipt[], uri: string): void {
    const push = this.#pushes.get(id);
    if (push?.state !== 'waiting') return;
    const { receipts: before, settled } = push;
    this.#change({ ...push, receipts: [...before, ...receipts], settled: [...settled, uri] }, 'synced');
  }

  #end(push: OutboxRecord): void {
    this.#change({ ...push, state: 'ended', endedAt: this.#clock.now() }, 'synced');
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

  #change(push: OutboxRecord, durability: 'synced' | 'written'): void {
    this.#pushes.set(push.id, push);
    if (push.state !== 'waiting') this.#ended.add(push.id);
    this.#write(push, durability).catch((error: Error) => this.#options.onError?.(error));
    this.#options.onChange?.(push);
    this.#prune();
  }

  #keep(push: OutboxRecord): void {
    this.#pushes.set(push.id, push);
    if (push.key !== undefined) this.#byKey.set(push.key, push.id);
  }

  #forget({ id, key }: OutboxRecord): void {
    this.#pushes.delete(id);
    this.#ended.delete(id);
    this.#underWay.delete(id);
    if (key !== undefined) this.#byKey.delete(key);
  }

  #prune(): void {
    const { ended, endedFor } = this.#limits;
    const before = this.#clock.now() - endedFor;
    for (const id of this.#ended) {
      const push = this.#pushes.get(id);
      if (this.#ended.size <= ended && (push?.endedAt ?? 0) > before) return;
      if (push) this.#forget(push);
      const gone = [{ type: 'del', key: KEY + id } as const];
      this.#options.records.write(gone, 'written').catch((error: Error) => this.#options.onError?.(error));
    }
  }

  #write(push: OutboxRecord, durability: 'synced' | 'written'): Promise<void> {
    const put = { type: 'put', key: KEY + push.id, value: encodeJson(push) } as const;
    return this.#options.records.write([put], durability);
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
