/** Loads the resources of service loadings. Each loading is an alarm, so that it survives a restart. */

import type { ServiceLoading } from 'sip-push/formats';
import {
  type AppClock,
  type AppFetch,
  type AppLog,
  type AppSchedule,
  type DueAlarm,
  FetchError,
  type Push,
  type RetryLimits,
  retryDelay,
  type Transaction,
} from 'sip-push/sdk';
import type { Resources } from './resources.js';

/** Bounds the number of alarms. Beyond it the oldest loading is dropped. */
const MAX_WAITING = 100;
/** Octets: a page or a picture. */
const MAX_RESOURCE = 1_048_576;
/** Characters: the data of an alarm has a limit. Browsers and servers do not support longer URIs. */
const MAX_HREF = 4096;
/** About an hour. */
const RETRY: RetryLimits = { first: 30_000, longest: 3_600_000, attempts: 8 };

/** Data of an alarm. */
interface Loading extends ServiceLoading {
  readonly failures: number;
  /** ISO 8601, UTC. */
  readonly receivedAt: string;
}

export interface LoadingsParts {
  /** The actions that the option `load` allows. */
  readonly actions: ReadonlySet<ServiceLoading['action']>;
  readonly fetch: AppFetch;
  readonly clock: AppClock;
  readonly log: AppLog;
  readonly schedule: AppSchedule;
  readonly resources: Resources;
}

export class Loadings {
  /** The loadings that wait, by the keys of their alarms, the oldest first. */
  private readonly waiting = new Map<string, Loading>();

  private constructor(private readonly parts: LoadingsParts) {}

  /** Reads the loadings that wait. */
  static async open(parts: LoadingsParts): Promise<Loadings> {
    const loadings = new Loadings(parts);
    const alarms = (await parts.schedule.list()).map(({ key, data }) => ({ key, loading: loadingOf(data) }));
    alarms.sort((one, other) => Date.parse(one.loading.receivedAt) - Date.parse(other.loading.receivedAt));
    for (const { key, loading } of alarms) loadings.waiting.set(key, loading);
    return loadings;
  }

  /** Sets an alarm, unless the action is not allowed. */
  add(
    tx: Pick<Transaction, 'setAlarm' | 'cancelAlarm' | 'afterCommit'>,
    push: Push,
    { href, action }: ServiceLoading,
  ): void {
    const { actions, clock, log } = this.parts;
    if (!actions.has(action)) return;
    if (href.length > MAX_HREF) {
      tx.afterCommit(() => log.warn(`a URI of ${href.length} characters was not loaded: too long`));
      return;
    }
    const excess = Math.max(0, this.waiting.size - MAX_WAITING + 1);
    for (const [key, dropped] of [...this.waiting].slice(0, excess)) {
      tx.cancelAlarm(key);
      const why = `more than ${MAX_WAITING} are waiting`;
      tx.afterCommit(() => {
        this.waiting.delete(key);
        log.warn(`${dropped.href} was not loaded, gave up: ${why}`);
      });
    }
    const loading: Loading = { href, action, failures: 0, receivedAt: push.receivedAt.toISOString() };
    tx.setAlarm(push.id, clock.now(), loading);
    tx.afterCommit(() => this.waiting.set(push.id, loading));
  }

  /** Loads a resource, stores it, and ends the alarm; or sets the alarm again after a transient failure. */
  async load(alarm: DueAlarm): Promise<void> {
    const { actions, clock, resources } = this.parts;
    const { href, action } = loadingOf(alarm.data);
    // The option can change while a loading waits.
    if (!actions.has(action)) {
      await alarm.commit((tx) => this.end(tx, alarm));
      return;
    }
    const fetched = await this.fetch(href, alarm.signal).catch((error: unknown) => this.failed(alarm, error));
    if (!fetched) return;
    const loadedAt = clock.now().toISOString();
    await alarm.commit((tx) => {
      this.end(tx, alarm);
      return resources.put(tx, alarm.key, { href, loadedAt, ...fetched.about }, fetched.octets);
    });
  }

  private end(tx: Pick<Transaction, 'afterCommit'>, { key }: DueAlarm): void {
    tx.afterCommit(() => this.waiting.delete(key));
  }

  private async fetch(href: string, signal: AbortSignal) {
    const response = await this.parts.fetch(href, { maxSize: MAX_RESOURCE, signal });
    const octets = await response.bytes(MAX_RESOURCE);
    if (response.status !== 200) throw FetchError.ofStatus(response);
    const contentType = response.headers['content-type'] || undefined;
    return { octets, about: { contentType, size: octets.length } };
  }

  private async failed(alarm: DueAlarm, error: unknown): Promise<undefined> {
    // The application is being stopped: the host delivers the alarm again after the next start.
    if (alarm.signal.aborted) throw error;
    const { clock, log } = this.parts;
    const loading = loadingOf(alarm.data);
    const failures = loading.failures + 1;
    const what = `${loading.href} was not loaded`;
    const delay = error instanceof FetchError ? retryDelay(RETRY, failures, error) : undefined;
    if (delay === undefined) {
      await alarm.commit((tx) => this.end(tx, alarm));
      log.warn(`${what}, gave up: ${error}`);
      return;
    }
    await alarm.commit((tx) =>
      tx.setAlarm(alarm.key, clock.now().getTime() + delay, { ...loading, failures }),
    );
    log.warn(`${what}, retry in ${delay / 1000} s: ${error}`);
  }
}

function loadingOf(data: unknown): Loading {
  // Only this class sets alarms.
  return data as Loading;
}
