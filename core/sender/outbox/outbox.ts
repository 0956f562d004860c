/**
 * The outbox: store and forward for a long-running sender. A push is on disk before its submission is confirmed. It
 * continues after a restart until every terminal has a final result, and its receipts can be queried for a while.
 */

import { platform } from '#platform';
import { defined } from '../../defined.js';
import { LimitError, SipPushError } from '../../errors.js';
import type { Records } from '../../store/records.js';
import { asError } from '../../text.js';
import { type Clock, systemClock } from '../../time/clock.js';
import type { OutgoingPushOptions } from '../outgoing-push.js';
import type { PushRequest, Receipt } from '../push-request.js';
import { OutboxContents } from './contents.js';
import { OutboxLedger } from './ledger.js';
import type { OutboxRecord } from './record.js';
import {
  hashSubmission,
  isSameSubmission,
  type PushSubmission,
  requestOf,
  type StoredContent,
  type StoredSubmission,
  storeSubmission,
} from './submission.js';

export interface OutboxOptions {
  sender: { send(push: PushRequest, options: OutgoingPushOptions): Promise<Receipt[]> };
  records: Records;
  /** Folder for contents; a temporary folder if absent. */
  folder?: string;
  clock?: Pick<Clock, 'now' | 'after'>;
  limits?: Partial<OutboxLimits>;
  /** Called after each new receipt and each change of state. */
  onChange?(push: OutboxRecord): void;
  /** Reports failures to read or write. */
  onError?(error: Error): void;
}

export interface OutboxLimits {
  /** Pushes without a final result. */
  waiting: number;
  /** Number of contents. */
  contents: number;
  /** Bytes of all contents together. */
  bytes: number;
  /** Ended pushes that can still be queried. */
  ended: number;
  /** How long an ended push can be queried, in milliseconds. */
  endedFor: number;
}

const LIMITS: OutboxLimits = {
  waiting: 10_000,
  contents: 20_000,
  bytes: 10 * 1024 ** 3,
  ended: 10_000,
  endedFor: 24 * 3_600_000,
};

/** The outbox has reached its limit of waiting pushes. */
export class OutboxFullError extends LimitError {}

/** The Idempotency-Key was used for a different push. */
export class IdempotencyKeyReusedError extends SipPushError {}

/** Reason of the abort when a push is cancelled. */
class PushCancelledError extends SipPushError {}

/** Reason of the abort when the outbox stops. */
class OutboxStoppedError extends SipPushError {}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #limits: OutboxLimits;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #contents: OutboxContents;
  readonly #ledger: OutboxLedger;
  /** By Idempotency-Key: the latest submission, which later ones under the same key wait for. */
  readonly #submitting = new Map<string, Promise<unknown>>();
  /** By push id: aborts a waiting push. */
  readonly #waiting = new Map<string, AbortController>();
  readonly #runs = new Set<Promise<void>>();
  #stopped = false;

  private constructor(options: OutboxOptions, contents: OutboxContents) {
    const { records, onChange, onError = () => {}, clock = systemClock } = options;
    this.#options = options;
    this.#limits = { ...LIMITS, ...defined(options.limits ?? {}) };
    this.#clock = clock;
    this.#contents = contents;
    const { ended, endedFor } = this.#limits;
    this.#ledger = new OutboxLedger({ records, clock, ended, endedFor, onError, onChange });
  }

  /** Opens the outbox and continues with the pushes in the store. @throws StoreError */
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

  /** The number of pushes without a final result. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Stores content for a push that is submitted within an hour. @throws LimitError when the limits are reached. */
  addContent(body: ReadableStream<Uint8Array>): Promise<{ id: string; size: number }> {
    return this.#contents.add(body);
  }

  /**
   * Accepts a push. It is on disk when the promise resolves.
   * @param key Idempotency-Key: the same push under the same key is accepted once.
   * @returns the push, and whether it had been accepted before.
   * @throws OutboxFullError; ConfigurationError when the outbox does not have a content; IdempotencyKeyReusedError;
   * StoreError.
   */
  async submit(submission: PushSubmission, key?: string): Promise<{ push: OutboxRecord; known: boolean }> {
    if (key === undefined) return { push: await this.#accept(submission, key), known: false };
    const previous = this.#submitting.get(key) ?? Promise.resolve();
    const submitted = previous.then(
      () => this.#submitOnce(submission, key),
      () => this.#submitOnce(submission, key),
    );
    this.#submitting.set(key, submitted);
    try {
      return await submitted;
    } finally {
      if (this.#submitting.get(key) === submitted) this.#submitting.delete(key);
    }
  }

  async #submitOnce(
    submission: PushSubmission,
    key: string,
  ): Promise<{ push: OutboxRecord; known: boolean }> {
    const known = this.#ledger.findByKey(key);
    if (!known) return { push: await this.#accept(submission, key), known: false };
    if (
      isSameSubmission(known.submission, await hashSubmission(submission, this.#contents, known.submission))
    ) {
      return { push: known, known: true };
    }
    throw new IdempotencyKeyReusedError(
      `Idempotency-Key "${key}" was used for another push: expected the same push, or a new key`,
    );
  }

  async #accept(submission: PushSubmission, key: string | undefined): Promise<OutboxRecord> {
    this.#requireSpace();
    const stored = await storeSubmission(submission, this.#contents);
    // Others can have been accepted while the contents were written.
    this.#requireSpace();
    const claimed = this.#claim(stored.contents);
    const push: OutboxRecord = {
      id: key === undefined ? platform.randomHex(16) : idOfKey(key),
      key,
      submission: stored,
      state: 'waiting',
      acceptedAt: this.#clock.now(),
      receipts: [],
      settled: [],
    };
    const abort = new AbortController();
    this.#waiting.set(push.id, abort);
    try {
      await this.#ledger.add(push);
    } catch (error) {
      this.#waiting.delete(push.id);
      await Promise.all(claimed.map((id) => this.#contents.release(id)));
      throw error;
    }
    // If the outbox was stopped during the write, the next process sends the push.
    if (!this.#stopped) this.#start(push, abort);
    return push;
  }

  get(id: string): OutboxRecord | undefined {
    return this.#ledger.get(id);
  }

  /**
   * Cancels a push. When the promise resolves, nothing more is sent, neither by this process nor by the next one. A
   * transaction in progress is cancelled if possible. A push that has ended does not change.
   * @throws StoreError
   */
  async cancel(id: string): Promise<OutboxRecord | undefined> {
    const push = this.#ledger.get(id);
    this.#waiting.get(id)?.abort(new PushCancelledError('the push was cancelled'));
    if (push?.state !== 'waiting') return push;
    const cancelled: OutboxRecord = { ...push, state: 'cancelled', endedAt: this.#clock.now() };
    await this.#ledger.change(cancelled);
    return cancelled;
  }

  /** Stops all attempts. The next process continues with the waiting pushes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const abort of this.#waiting.values()) abort.abort(new OutboxStoppedError('the sender is stopping'));
    await Promise.all(this.#runs);
    await this.#contents.close();
  }

  /** @throws OutboxFullError */
  #requireSpace(): void {
    if (this.#stopped) throw new OutboxFullError('the outbox accepts no more pushes: the sender is stopping');
    if (this.#waiting.size < this.#limits.waiting) return;
    throw new OutboxFullError(`the outbox is full: ${this.#limits.waiting} pushes wait`);
  }

  #resume(push: OutboxRecord): void {
    const abort = new AbortController();
    try {
      this.#claim(push.submission.contents);
    } catch (error) {
      const receipts = [...push.receipts, failureReceipt(push.submission, asError(error))];
      this.#ledger.change(this.#ended({ ...push, receipts })).catch((error: Error) => this.#report(error));
      return;
    }
    this.#waiting.set(push.id, abort);
    this.#start(push, abort);
  }

  #start(push: OutboxRecord, abort: AbortController): void {
    const run = this.#run(push, abort.signal).finally(() => {
      this.#waiting.delete(push.id);
      this.#runs.delete(run);
    });
    this.#runs.add(run);
  }

  async #run({ id, submission, settled, acceptedAt }: OutboxRecord, signal: AbortSignal): Promise<void> {
    let failure: Receipt[] = [];
    const retrieved: Promise<void>[] = [];
    try {
      const ttl = Math.max(0, (submission.ttl ?? 0) - (this.#clock.now() - acceptedAt) / 1000);
      const request = await requestOf(id, { ...submission, ttl }, this.#contents);
      await this.#options.sender.send(request, {
        signal,
        settled: new Set(settled),
        onReceipts: (receipts, uri) => this.#addReceipts(id, receipts, uri),
        onPublished: (promise) => retrieved.push(promise),
      });
    } catch (error) {
      // The error is a consequence of the stop, not the answer of a terminal.
      if (signal.reason instanceof OutboxStoppedError) return;
      if (!(signal.reason instanceof PushCancelledError))
        failure = [failureReceipt(submission, asError(error))];
    }
    try {
      await this.#finish(id, failure);
    } catch (error) {
      // The store still has the push as waiting, so the next process needs its contents.
      this.#report(asError(error));
      return;
    }
    const release = () =>
      Promise.all(idsOf(submission.contents).map((content) => this.#contents.release(content)));
    if (retrieved.length === 0) await release();
    // A terminal can accept a reference before it retrieves the content. The next process removes what is left.
    else void Promise.all(retrieved).then(() => (this.#stopped ? undefined : release()));
  }

  async #finish(id: string, failure: readonly Receipt[]): Promise<void> {
    const push = this.#ledger.get(id);
    if (push?.state !== 'waiting') {
      if (push) await this.#ledger.write(push);
      return;
    }
    await this.#ledger.change(this.#ended({ ...push, receipts: [...push.receipts, ...failure] }));
  }

  #addReceipts(id: string, receipts: readonly Receipt[], uri: string): void {
    const push = this.#ledger.get(id);
    if (push?.state !== 'waiting') return;
    this.#ledger
      .change({ ...push, receipts: [...push.receipts, ...receipts], settled: [...push.settled, uri] })
      .catch((error: Error) => this.#report(error));
  }

  #ended(push: OutboxRecord): OutboxRecord {
    return { ...push, state: 'ended', endedAt: this.#clock.now() };
  }

  #report(error: Error): void {
    this.#options.onError?.(error);
  }

  /** Claims all contents, or none. */
  #claim(contents: readonly StoredContent[]): string[] {
    const claimed: string[] = [];
    try {
      for (const each of contents) {
        if (!('content' in each)) continue;
        this.#contents.claim(each.content, each.sha256);
        claimed.push(each.content);
      }
    } catch (error) {
      for (const id of claimed) void this.#contents.release(id);
      throw error;
    }
    return claimed;
  }
}

/**
 * A submission that is repeated after the outbox has forgotten the push has the same id, so that receivers recognize the
 * push.
 */
function idOfKey(key: string): string {
  return platform.hash('sha-256', `Idempotency-Key ${key}`).slice(0, 32);
}

function idsOf(contents: readonly StoredContent[]): string[] {
  return contents.flatMap((content) => ('content' in content ? content.content : []));
}

/** The receipt of a push that failed before any terminal was involved. */
function failureReceipt({ to, mode }: StoredSubmission, error: Error): Receipt {
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
