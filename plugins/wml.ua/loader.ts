/** Loads what services ask to be loaded: one after another, again later where it failed, over restarts. */

import type { ServiceLoading } from 'sip-push/formats';
import {
  Agenda,
  type AppClock,
  type AppFetch,
  type AppLog,
  type AppStorage,
  FetchError,
  isTransient,
  type Push,
  printable,
  printableReason,
  type StorageOperation,
  TaskQueue,
} from 'sip-push/sdk';
import type { Resources } from './resources.js';

const PREFIX = 'loading/';
/** Bounds the storage; past it the oldest is given up. */
const MAX_WAITING = 100;
/** A page, a picture; a service offers larger things for download. */
const MAX_RESOURCE = 1_048_576;
/** Milliseconds until a failed one is loaded again; each time twice as long: eight attempts take an hour. */
const FIRST_RETRY = 30_000;
const MAX_FAILURES = 8;

interface Loading extends ServiceLoading {
  readonly failures: number;
  /** ISO 8601, UTC. */
  readonly receivedAt: string;
}

type Take = (operations: StorageOperation[]) => Promise<void>;

export interface LoaderParts {
  /** What may be loaded, as the host's configuration says. */
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
  /** What goes depends on what is there. */
  private readonly turns = new TaskQueue();
  private readonly agenda: Agenda;

  /** @param waiting by storage key, the oldest first. */
  private constructor(
    private readonly parts: LoaderParts,
    private readonly waiting: Map<string, Loading>,
  ) {
    const { log, signal } = parts;
    this.agenda = new Agenda({ task: (key) => this.step(key), atOnce: 1, log, signal });
    for (const key of waiting.keys()) this.agenda.add(key);
  }

  /** Goes on with what was not loaded before; what is no longer allowed goes. */
  static async open(parts: LoaderParts): Promise<Loader> {
    const waiting: [key: string, loading: Loading][] = [];
    const forbidden: string[] = [];
    for await (const [key, value] of parts.storage.entries({ prefix: PREFIX })) {
      // Nobody else writes here.
      const loading = value as Loading;
      if (parts.allowed.has(loading.action)) waiting.push([key, loading]);
      else forbidden.push(key);
    }
    await Promise.all(forbidden.map((key) => parts.storage.delete(key)));
    waiting.sort(([, one], [, other]) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new Loader(parts, new Map(waiting));
  }

  /** Runs `take` with what must be written: nothing where it may not be loaded, which is all that happens then. */
  async add({ href, action }: ServiceLoading, push: Push, take: Take): Promise<void> {
    if (!this.parts.allowed.has(action)) return take([]);
    const loading = { href, action, failures: 0, receivedAt: push.receivedAt.toISOString() };
    return this.turns.run(() => this.queue(PREFIX + push.id, loading, take));
  }

  /** When nothing is under way any more: the signal has ended it. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  private async queue(key: string, loading: Loading, take: Take): Promise<void> {
    const crowded = [...this.waiting].slice(0, Math.max(0, this.waiting.size - MAX_WAITING + 1));
    await take([
      ...crowded.map(([old]) => ({ type: 'delete' as const, key: old })),
      { type: 'put', key, value: loading },
    ]);
    for (const [old, { href }] of crowded) {
      this.parts.log.warn(`${printable(href)} was not loaded, given up: more than ${MAX_WAITING} wait`);
      this.forget(old);
    }
    this.waiting.set(key, loading);
    this.agenda.add(key);
  }

  /** @returns milliseconds until it is loaded again; undefined: that is over. */
  private async step(key: string): Promise<number | undefined> {
    const loading = this.waiting.get(key);
    if (!loading) return undefined;
    try {
      await this.load(loading.href);
    } catch (error) {
      // What was ended with the application is loaded when it starts.
      return this.parts.signal.aborted ? undefined : this.failed(key, loading, error);
    }
    await this.parts.storage.delete(key);
    this.waiting.delete(key);
    return undefined;
  }

  private async load(href: string): Promise<void> {
    const { fetch, resources, clock, signal } = this.parts;
    // The host bounds the time that it takes.
    const response = await fetch(href, { maxSize: MAX_RESOURCE, signal });
    if (response.status < 200 || response.status > 299) {
      await response.body.cancel();
      throw FetchError.ofStatus(response);
    }
    const octets = await response.bytes(MAX_RESOURCE);
    const type = response.headers['content-type'];
    const resource = { href, ...(type ? { contentType: type } : {}), size: octets.length };
    await resources.keep({ ...resource, loadedAt: clock.now().toISOString() }, octets);
  }

  private async failed(key: string, loading: Loading, error: unknown): Promise<number | undefined> {
    // Another took its place meanwhile.
    if (!this.waiting.has(key)) return undefined;
    const { storage, log } = this.parts;
    const failures = loading.failures + 1;
    const what = `${printable(loading.href)} was not loaded`;
    if (failures >= MAX_FAILURES || !isTransient(error)) {
      this.waiting.delete(key);
      log.warn(`${what}, given up: ${printableReason(error)}`);
      await storage.delete(key);
      return undefined;
    }
    const next = { ...loading, failures };
    const milliseconds = FIRST_RETRY * 2 ** loading.failures;
    this.waiting.set(key, next);
    log.warn(`${what}, again in ${milliseconds / 1000} s: ${printableReason(error)}`);
    await storage.put(key, next);
    return milliseconds;
  }

  private forget(key: string): void {
    this.agenda.remove(key);
    this.waiting.delete(key);
  }
}
