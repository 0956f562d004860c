import type { AppLog } from '../core/app/contract/services.js';
import { printable, printableReason } from '../core/text.js';

/** Milliseconds until a task that rejected is done again. */
const AFTER_ERROR = 30_000;
/** What a timer of JavaScript can count. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The options of an agenda. */
export interface AgendaOptions {
  /**
   * Does the work for a key, if there is any. Resolves with the milliseconds until the next run, or undefined if there
   * is none. If it rejects, the agenda logs the error and runs it again after 30 seconds.
   */
  task(key: string): Promise<number | undefined>;
  /** Tasks at a time. */
  readonly atOnce: number;
  /** Receives the errors of tasks. */
  readonly log: AppLog;
  /** The `signal` of `start`. After it is aborted, no task starts. */
  readonly signal: AbortSignal;
}

/**
 * Background tasks of an application, now or later: a limited number at a time, one at a time for each key, in the
 * order in which they were added. The agenda is in memory: keep the keys in storage, and add them in `start`.
 */
export class Agenda {
  /** Those whose turn it is, in order. */
  readonly #due = new Set<string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #running = new Map<string, Promise<void>>();

  /** Starts nothing: call `add`. */
  constructor(private readonly options: AgendaOptions) {}

  /** Plans the task of a key, and replaces an earlier plan. If the task is running, it runs once more afterwards. */
  add(key: string, milliseconds = 0): void {
    if (this.options.signal.aborted) return;
    this.#clearTimer(key);
    if (milliseconds > 0) {
      const part = Math.min(milliseconds, LONGEST_TIMER);
      this.#timers.set(
        key,
        setTimeout(() => this.add(key, milliseconds - part), part),
      );
      return;
    }
    this.#due.add(key);
    this.#work();
  }

  /** Cancels the plan of a key. A running task continues, and can still plan its next run. */
  remove(key: string): void {
    this.#clearTimer(key);
    this.#due.delete(key);
  }

  /** Call it after the signal was aborted. Cancels all plans, and resolves when no task is running. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#running.values());
  }

  #work(): void {
    const { atOnce, signal } = this.options;
    for (const key of this.#due) {
      if (this.#running.size >= atOnce || signal.aborted) return;
      if (this.#running.has(key)) continue;
      this.#due.delete(key);
      this.#running.set(key, this.#run(key));
    }
  }

  /** Never rejects. */
  async #run(key: string): Promise<void> {
    const again = await this.#task(key);
    this.#running.delete(key);
    // Somebody who asked meanwhile does not wait.
    if (again !== undefined && !this.#due.has(key) && !this.#timers.has(key)) this.add(key, again);
    this.#work();
  }

  async #task(key: string): Promise<number | undefined> {
    const { log, signal } = this.options;
    try {
      return await this.options.task(key);
    } catch (error) {
      if (!signal.aborted) {
        log.error(`${printable(key)}, again in ${AFTER_ERROR / 1000} s: ${printableReason(error)}`);
      }
      return AFTER_ERROR;
    }
  }

  #clearTimer(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }
}
