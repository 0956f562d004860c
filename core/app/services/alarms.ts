/** The alarms of one application: set, cancelled, and given to it when their time comes. */

import { LimitError } from '../../errors.js';
import { alarmPrefix, type Records, type Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { DueQueue } from '../../time/due-queue.js';
import { refusalOf } from '../contract/outcome.js';
import type { Alarm } from '../contract/services.js';
import { AppUnavailable } from '../contract/unavailable.js';
import { BACKOFF_BASE, BACKOFF_MAX } from '../limits.js';
import { type AlarmChange, alarmKey, readAlarm } from './app-values.js';

/** Given at once: an application with much to do at one time does the rest when some of it is done. */
const AT_ONCE = 4;

/** The clock is looked at so often at the least: a host's may be set, or stand still while it sleeps. */
const LONGEST_WAIT = 3_600_000;

/** A write takes milliseconds. */
const WAIT_FOR_WRITE = 1_000;

/** An alarm in memory. Another object stands for each time that it is set. */
export interface SetAlarm {
  readonly key: string;
  readonly at: number;
}

interface Entry extends SetAlarm {
  /** When it is given, next. */
  due: number;
  failures: number;
  /** Writes under way that set it anew, or cancel it. */
  leaving: number;
}

export interface AlarmsParts {
  namespace: string;
  records: Records;
  clock: Clock;
  /** How many there may be. */
  most: number;
  /** Told why one is given again, and when. */
  warn(message: string): void;
}

/** Gives an alarm to its application. Rejects when that does not take it. */
export type DeliverAlarm = (alarm: Alarm, set: SetAlarm) => Promise<void>;

/**
 * Their keys and times are in memory, the rest is on disk. What it costs to set, cancel or give one grows with
 * the logarithm of how many there are.
 */
export class Alarms {
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new DueQueue<Entry>((entry) => entry.due);
  /** Keys of those that the application has now. */
  readonly #given = new Set<string>();
  /** New ones on their way to the disk. */
  #coming = 0;
  #give: DeliverAlarm | undefined;
  #cancelTimer = () => {};

  private constructor(private readonly parts: AlarmsParts) {}

  /** Reads what the store holds. @throws StoreError */
  static async open(parts: AlarmsParts): Promise<Alarms> {
    const alarms = new Alarms(parts);
    for await (const [key, bytes] of parts.records.entries(alarmPrefix(parts.namespace))) {
      try {
        alarms.#enter(key, readAlarm(key, bytes).at.getTime());
      } catch (error) {
        parts.warn(`alarm "${key}" cannot be read: ${reasonOf(error)}`);
      }
    }
    return alarms;
  }

  /** From now on they are given. */
  start(give: DeliverAlarm): void {
    this.#give = give;
    this.#wind();
  }

  /** Nothing is given any more. */
  stop(): void {
    this.#give = undefined;
    this.#cancelTimer();
  }

  /** All of them, the soonest first. @throws StoreError */
  async list(): Promise<Alarm[]> {
    const { namespace, records } = this.parts;
    const alarms: Alarm[] = [];
    for await (const [key, bytes] of records.entries(alarmPrefix(namespace))) {
      if (this.#entries.has(key)) alarms.push(readAlarm(key, bytes));
    }
    return alarms.sort((one, other) => one.at.getTime() - other.at.getTime());
  }

  /**
   * Sets and cancels, as `write` writes it.
   * @throws LimitError when there would be too many; what `write` throws, and nothing has changed then.
   */
  async change(
    changes: readonly AlarmChange[],
    write: (operations: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    const fresh = new Set(
      changes.filter(({ key, value }) => value && !this.#entries.has(key)).map(({ key }) => key),
    );
    if (fresh.size > 0) this.#requireRoom(fresh.size);
    const leaving = changes.flatMap(({ key }) => this.#entries.get(key) ?? []);
    // At once: an alarm that its application sets anew is not to end when its call does.
    for (const entry of leaving) entry.leaving += 1;
    this.#coming += fresh.size;
    try {
      await write(changes.map((change) => this.#operation(change)));
    } finally {
      for (const entry of leaving) entry.leaving -= 1;
      this.#coming -= fresh.size;
    }
    for (const { key, at, value } of changes) {
      this.#leave(key);
      if (value) this.#enter(key, at);
    }
    this.#wind();
  }

  /**
   * It has had its effect.
   * @param write writes the removal.
   * @returns false when it has ended before, was cancelled, or set anew; nothing is written then.
   */
  async end(set: SetAlarm, write: (operations: readonly Write[]) => Promise<void>): Promise<boolean> {
    const entry = this.#standing(set);
    if (!entry) return false;
    entry.leaving += 1;
    try {
      await write([this.#operation({ key: set.key, at: set.at })]);
    } finally {
      entry.leaving -= 1;
    }
    if (this.#entries.get(set.key) === entry) this.#leave(set.key);
    return true;
  }

  /** As it was given: neither ended, nor cancelled, nor set anew, nor about to. */
  #standing(set: SetAlarm): Entry | undefined {
    const entry = this.#entries.get(set.key);
    return entry === set && entry.leaving === 0 ? entry : undefined;
  }

  #operation({ key, value }: AlarmChange): Write {
    const name = alarmKey(this.parts.namespace, key);
    return value ? { type: 'put', key: name, value } : { type: 'del', key: name };
  }

  #requireRoom(more: number): void {
    const { most } = this.parts;
    if (this.#entries.size + this.#coming + more <= most) return;
    throw new LimitError(`${this.#entries.size + this.#coming + more} alarms; at most ${most}: cancel some`);
  }

  #enter(key: string, at: number): void {
    const entry: Entry = { key, at, due: at, failures: 0, leaving: 0 };
    this.#entries.set(key, entry);
    if (!this.#given.has(key)) this.#waiting.add(entry);
  }

  #leave(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) this.#waiting.delete(entry);
    this.#entries.delete(key);
  }

  /** Gives those whose time has come, and sets the timer for the next. */
  #wind(): void {
    this.#cancelTimer();
    const give = this.#give;
    if (!give) return;
    const { clock } = this.parts;
    for (let next = this.#waiting.first; next; next = this.#waiting.first) {
      // Whoever ends winds again.
      if (this.#given.size >= AT_ONCE) return;
      const wait = next.due - clock.now();
      if (wait > 0) {
        this.#cancelTimer = clock.after(Math.min(wait, LONGEST_WAIT), () => this.#wind());
        return;
      }
      this.#waiting.delete(next);
      this.#given.add(next.key);
      void this.#run(next, give);
    }
  }

  /** Never rejects. */
  async #run(entry: Entry, give: DeliverAlarm): Promise<void> {
    const { namespace, records, clock } = this.parts;
    try {
      const bytes = await records.get(alarmKey(namespace, entry.key));
      if (bytes && this.#standing(entry)) {
        await give(readAlarm(entry.key, bytes), entry);
        // It need not outlive a loss of power: the alarm is given once more then.
        await this.end(entry, (operations) => records.write(operations, 'written'));
      }
    } catch (error) {
      if (this.#give) this.#failed(entry, error);
    }
    this.#given.delete(entry.key);
    const next = this.#entries.get(entry.key);
    // Something is being written that it waits for, and that may fail.
    if (next === entry) entry.due = Math.max(entry.due, clock.now() + WAIT_FOR_WRITE);
    if (next) this.#waiting.add(next);
    this.#wind();
  }

  #failed(entry: Entry, error: unknown): void {
    if (this.#entries.get(entry.key) !== entry) return;
    const { clock, warn } = this.parts;
    const limits = { first: BACKOFF_BASE, longest: BACKOFF_MAX };
    const retryAfter = (refusalOf(error)?.retryAfter ?? 0) * 1000;
    const wait = retryDelay(limits, entry.failures + 1, retryAfter, clock.random());
    // That its worker is unavailable is no failure of its own.
    if (!(error instanceof AppUnavailable)) entry.failures += 1;
    entry.due = clock.now() + wait;
    warn(`alarm "${entry.key}" will be given again in ${Math.ceil(wait / 1000)} s: ${reasonOf(error)}`);
  }
}
