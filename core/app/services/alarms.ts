/** The alarms of one application: they are set, cancelled, and delivered when they are due. */

import { LimitError } from '../../errors.js';
import { alarmPrefix, type Records, type Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { DueQueue } from '../../time/due-queue.js';
import { refusalOf } from '../contract/outcome.js';
import type { Alarm } from '../contract/services.js';
import { AppUnavailableError } from '../contract/unavailable.js';
import { BACKOFF_BASE, BACKOFF_MAX } from '../limits.js';
import { type AlarmChange, alarmKey } from './app-writes.js';
import { EventBacklogError } from './event-outbox.js';
import { decodeAlarm } from './stored-values.js';

/** Alarms that are delivered at the same time. The others wait until one of these ends. */
const MAX_CONCURRENT = 4;

/**
 * Milliseconds until the clock is read again: the clock of a host can be set, and timers stop while the host sleeps.
 */
const LONGEST_WAIT = 3_600_000;

/** Milliseconds to wait for a write in progress. */
const WAIT_FOR_WRITE = 1_000;

/** An alarm in memory. Setting an alarm creates a new object. */
export interface SetAlarm {
  readonly key: string;
  readonly at: number;
}

interface Entry extends SetAlarm {
  /** When it is delivered next. */
  due: number;
  failures: number;
  /** Writes in progress that replace or cancel it. */
  replacing: number;
  /** Whether it was committed: nothing else reports an error of `alarm` then. */
  ended?: true;
}

export interface AlarmsParts {
  namespace: string;
  records: Records;
  clock: Clock;
  /** Largest number of alarms. */
  most: number;
  /** Logs why an alarm is redelivered, and when. */
  warn(message: string): void;
}

/** Delivers an alarm to its application. Rejects when the application does not accept it. */
export type DeliverAlarm = (alarm: Alarm, set: SetAlarm) => Promise<void>;

/**
 * Keys and times are in memory, data is on disk. The cost of setting, cancelling and delivering an alarm grows with
 * the logarithm of the number of alarms.
 */
export class Alarms {
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new DueQueue<Entry>((entry) => entry.due);
  /** Keys of the alarms that are being delivered. */
  readonly #delivering = new Set<string>();
  /** New alarms that are being written. */
  #newAlarms = 0;
  #deliver: DeliverAlarm | undefined;
  #scheduling = false;
  #cancelTimer = () => {};

  private constructor(private readonly parts: AlarmsParts) {}

  /** Reads the alarms in the store. @throws StoreError */
  static async open(parts: AlarmsParts): Promise<Alarms> {
    const alarms = new Alarms(parts);
    for await (const [key, bytes] of parts.records.entries(alarmPrefix(parts.namespace))) {
      try {
        alarms.#enter(key, decodeAlarm(key, bytes).at.getTime());
      } catch (error) {
        parts.warn(`alarm "${key}" cannot be read: ${reasonOf(error)}`);
      }
    }
    return alarms;
  }

  /** Starts to deliver alarms. */
  start(deliver: DeliverAlarm): void {
    this.#deliver = deliver;
    this.#schedule();
  }

  /** Stops delivering alarms. */
  stop(): void {
    this.#deliver = undefined;
    this.#cancelTimer();
  }

  /** All alarms, the soonest first. @throws StoreError */
  async list(): Promise<Alarm[]> {
    const { namespace, records } = this.parts;
    const alarms: Alarm[] = [];
    for await (const [key, bytes] of records.entries(alarmPrefix(namespace))) {
      if (this.#entries.has(key)) alarms.push(decodeAlarm(key, bytes));
    }
    return alarms.sort((one, other) => one.at.getTime() - other.at.getTime());
  }

  /**
   * Sets and cancels alarms when `write` has written the changes.
   * @throws LimitError when there would be too many; what `write` throws: nothing is changed then.
   */
  async change(
    changes: readonly AlarmChange[],
    write: (operations: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    const fresh = new Set(
      changes.filter(({ key, value }) => value && !this.#entries.has(key)).map(({ key }) => key),
    );
    if (fresh.size > 0) this.#requireSpace(fresh.size);
    const replacing = changes.flatMap(({ key }) => this.#entries.get(key) ?? []);
    // Before the write: an alarm that its application replaces must not end with the call that delivers it.
    for (const entry of replacing) entry.replacing += 1;
    this.#newAlarms += fresh.size;
    try {
      await write(changes.map((change) => this.#operation(change)));
    } finally {
      for (const entry of replacing) entry.replacing -= 1;
      this.#newAlarms -= fresh.size;
    }
    for (const { key, at, value } of changes) {
      this.#leave(key);
      if (value) this.#enter(key, at);
    }
    this.#scheduleAfterChange();
  }

  /**
   * Ends an alarm that the application has handled.
   * @param write writes the removal.
   * @returns false when the alarm has already ended, was cancelled, or was replaced; nothing is written then.
   */
  async end(set: SetAlarm, write: (operations: readonly Write[]) => Promise<void>): Promise<boolean> {
    const entry = this.#current(set);
    if (!entry) return false;
    entry.replacing += 1;
    try {
      await write([this.#operation({ key: set.key, at: set.at })]);
    } finally {
      entry.replacing -= 1;
    }
    if (this.#entries.get(set.key) === entry) this.#leave(set.key);
    entry.ended = true;
    return true;
  }

  /** The alarm if it is still the one that was delivered, and no write in progress replaces or removes it. */
  #current(set: SetAlarm): Entry | undefined {
    const entry = this.#entries.get(set.key);
    return entry === set && entry.replacing === 0 ? entry : undefined;
  }

  #operation({ key, value }: AlarmChange): Write {
    const name = alarmKey(this.parts.namespace, key);
    return value ? { type: 'put', key: name, value } : { type: 'del', key: name };
  }

  #requireSpace(more: number): void {
    const { most } = this.parts;
    if (this.#entries.size + this.#newAlarms + more <= most) return;
    throw new LimitError(
      `${this.#entries.size + this.#newAlarms + more} alarms: expected at most ${most}; cancel some first`,
    );
  }

  #enter(key: string, at: number): void {
    const entry: Entry = { key, at, due: at, failures: 0, replacing: 0 };
    this.#entries.set(key, entry);
    if (!this.#delivering.has(key)) this.#waiting.add(entry);
  }

  #leave(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) this.#waiting.delete(entry);
    this.#entries.delete(key);
  }

  /**
   * Sets the timer for the next alarm. One that is due at once is delivered in the next task: after the `afterCommit`
   * callbacks of the transaction that set it, and after the answer to a worker.
   */
  #scheduleAfterChange(): void {
    const { first } = this.#waiting;
    if (!first || first.due > this.parts.clock.now()) {
      this.#schedule();
      return;
    }
    if (this.#scheduling) return;
    this.#scheduling = true;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      this.#scheduling = false;
      this.#schedule();
    };
    port2.postMessage(undefined);
  }

  /** Delivers the alarms that are due, and sets the timer for the next one. */
  #schedule(): void {
    this.#cancelTimer();
    const deliver = this.#deliver;
    if (!deliver) return;
    const { clock } = this.parts;
    for (let next = this.#waiting.first; next; next = this.#waiting.first) {
      // The delivery that ends next calls this again.
      if (this.#delivering.size >= MAX_CONCURRENT) return;
      const wait = next.due - clock.now();
      if (wait > 0) {
        this.#cancelTimer = clock.after(Math.min(wait, LONGEST_WAIT), () => this.#schedule());
        return;
      }
      this.#waiting.delete(next);
      this.#delivering.add(next.key);
      void this.#run(next, deliver);
    }
  }

  /** Never rejects. */
  async #run(entry: Entry, deliver: DeliverAlarm): Promise<void> {
    const { namespace, records, clock } = this.parts;
    try {
      const bytes = await records.get(alarmKey(namespace, entry.key));
      if (bytes && this.#current(entry)) {
        await deliver(decodeAlarm(entry.key, bytes), entry);
        // The write need not survive a loss of power: the alarm is then delivered again.
        await this.end(entry, (operations) => records.write(operations, 'written'));
      }
    } catch (error) {
      if (this.#deliver) this.#failed(entry, error);
    }
    this.#delivering.delete(entry.key);
    const next = this.#entries.get(entry.key);
    // A write in progress may replace it, and may fail.
    if (next === entry) entry.due = Math.max(entry.due, clock.now() + WAIT_FOR_WRITE);
    if (next) this.#waiting.add(next);
    this.#schedule();
  }

  #failed(entry: Entry, error: unknown): void {
    const { clock, warn } = this.parts;
    if (entry.ended)
      warn(`alarm "${entry.key}" was committed, and alarm() threw afterwards: ${reasonOf(error)}`);
    if (this.#entries.get(entry.key) !== entry) return;
    const limits = { first: BACKOFF_BASE, longest: BACKOFF_MAX };
    const retryAfter = (refusalOf(error)?.retryAfter ?? 0) * 1000;
    const wait = retryDelay(limits, entry.failures + 1, retryAfter, clock.random());
    // Neither an unavailable worker nor a slow listener is a failure of the application.
    const counts = !(AppUnavailableError.is(error) || EventBacklogError.is(error));
    if (counts) entry.failures += 1;
    entry.due = clock.now() + wait;
    warn(`alarm "${entry.key}" will be redelivered in ${Math.ceil(wait / 1000)} s: ${reasonOf(error)}`);
  }
}
