/** Loads the resources of service loadings one at a time, with retries that survive a restart. */

import type { ServiceLoading } from 'sip-push/formats';
import {
  Agenda,
  type AppClock,
  type AppFetch,
  type AppLog,
  type AppStorage,
  type Push,
  printable,
  printableReason,
  type RetryLimits,
  requireSuccess,
  retryDelay,
  type StorageOperation,
  TaskQueue,
} from 'sip-push/sdk';
import type { Resources } from './resources.js';

const PREFIX = 'loading/';
/** Bounds the storage. Beyond it the oldest is dropped. */
const MAX_WAITING = 100;
/** Octets: a page or a picture. */
const MAX_RESOURCE = 1_048_576;
/** Eight attempts take up to an hour. */
const RETRY: RetryLimits = { first: 30_000, longest: 3_600_000, attempts: 8 };

interface Loading extends ServiceLoading {
  readonly failures: number;
  /** ISO 8601, UTC. */
  readonly receivedAt: string;
}

type Commit = (operations: StorageOperation[]) => Promise<void>;

export interface LoaderParts {
  /** The actions that the option `load` allows. */
  readonly allowed: ReadonlySet<ServiceLoading['action']>;
  readonly storage: AppStorage;
  readonly fetch: AppFetch;
  readonly clock: AppClock;
  readonly log: AppLog;
  readonly resources: Resources;
  /** Aborted when the application stops. */
  readonly signal: AbortSignal;
}

export class Loader {
  /** Serializes changes: which loadings are dropped depends on the ones that wait. */
  private readonly queue = new TaskQueue();
  private readonly agenda: Agenda;

  /** @param waiting by storage key, oldest first. */
  private constructor(
    private readonly parts: LoaderParts,
    private readonly waiting: Map<string, Loading>,
  ) {
    const { log, signal } = parts;
    this.agenda = new Agenda({ task: (key) => this.step(key), atOnce: 1, log, signal });
    for (const key of waiting.keys()) this.agenda.add(key);
  }

  /** Continues with stored loadings, and removes those that are no longer allowed. */
  static async open(parts: LoaderParts): Promise<Loader> {
    const waiting: [key: string, loading: Loading][] = [];
    const forbidden: string[] = [];
    for await (const [key, value] of parts.storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      const loading = value as Loading;
      if (parts.allowed.has(loading.action)) waiting.push([key, loading]);
      else forbidden.push(key);
    }
    await Promise.all(forbidden.map((key) => parts.storage.delete(key)));
    waiting.sort(([, one], [, other]) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new Loader(parts, new Map(waiting));
  }

  /** Queues a loading. Commits without operations if its action is not allowed. */
  async add({ href, action }: ServiceLoading, push: Push, commit: Commit): Promise<void> {
    if (!this.parts.allowed.has(action)) return commit([]);
    const loading = { href, action, failures: 0, receivedAt: push.receivedAt.toISOString() };
    return this.queue.run(() => this.enqueue(PREFIX + push.id, loading, commit));
  }

  /** Resolves when the tasks that were running when the signal was aborted have finished. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  private async enqueue(key: string, loading: Loading, commit: Commit): Promise<void> {
    const dropped = [...this.waiting].slice(0, Math.max(0, this.waiting.size - MAX_WAITING + 1));
    await commit([
      ...dropped.map(([old]) => ({ type: 'delete' as const, key: old })),
      { type: 'put', key, value: loading },
    ]);
    for (const [old, { href }] of dropped) {
      this.parts.log.warn(`${printable(href)} was not loaded, gave up: more than ${MAX_WAITING} are waiting`);
      this.forget(old);
    }
    this.waiting.set(key, loading);
    this.agenda.add(key);
  }

  /** @returns milliseconds until the next attempt; undefined when it was loaded or dropped. */
  private async step(key: string): Promise<number | undefined> {
    const loading = this.waiting.get(key);
    if (!loading) return undefined;
    try {
      await this.load(loading.href);
    } catch (error) {
      // A stopped application loads it after its next start.
      return this.parts.signal.aborted ? undefined : this.failed(key, loading, error);
    }
    await this.parts.storage.delete(key);
    this.waiting.delete(key);
    return undefined;
  }

  private async load(href: string): Promise<void> {
    const { fetch, resources, clock, signal } = this.parts;
    // The host limits the duration.
    const response = await fetch(href, { maxSize: MAX_RESOURCE, signal });
    await requireSuccess(response);
    const octets = await response.bytes(MAX_RESOURCE);
    const contentType = response.headers['content-type'] || undefined;
    const loadedAt = clock.now().toISOString();
    await resources.put({ href, contentType, size: octets.length, loadedAt }, octets);
  }

  private async failed(key: string, loading: Loading, error: unknown): Promise<number | undefined> {
    // Dropped during the attempt.
    if (!this.waiting.has(key)) return undefined;
    const { storage, log } = this.parts;
    const failures = loading.failures + 1;
    const what = `${printable(loading.href)} was not loaded`;
    const delay = retryDelay(RETRY, failures, error);
    if (delay === undefined) {
      this.waiting.delete(key);
      log.warn(`${what}, gave up: ${printableReason(error)}`);
      await storage.delete(key);
      return undefined;
    }
    const next = { ...loading, failures };
    this.waiting.set(key, next);
    log.warn(`${what}, retry in ${delay / 1000} s: ${printableReason(error)}`);
    await storage.put(key, next);
    return delay;
  }

  private forget(key: string): void {
    this.agenda.remove(key);
    this.waiting.delete(key);
  }
}
