import type { AppLog } from '../core/app/contract/services.js';
import { printable, printableReason } from '../core/text.js';

/** Milliseconds before a rejected task runs again. */
const AFTER_ERROR = 30_000;
/** Milliseconds: the longest delay of `setTimeout`. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The task of an agenda, and its limits. */
export interface AgendaOptions {
  /**
   * Does the work of a key. It can be called when there is nothing left to do. Resolves with the milliseconds until it
   * must run again, or undefined if it is done. If it rejects, the error is logged, and the task runs again after 30
   * seconds.
   */
  task(key: string): Promise<number | undefined>;
  /** Keys whose tasks run at the same time. */
  readonly atOnce: number;
  /** Receives the errors of tasks. */
  readonly log: AppLog;
  /** The signal of the application: no task starts after it is aborted. */
  readonly signal: AbortSignal;
}

/**
 * Background tasks of an application by key, now or later: a few at a time, one at a time for each key, in the order in
 * which they were added. An agenda is only in memory: add stored work at `start`.
 */
export class Agenda {
  /** Keys that are due, in order. */
  readonly #due = new Set<string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #running = new Map<string, Promise<void>>();

  /** Starts nothing: call `add`. */
  constructor(private readonly options: AgendaOptions) {}

  /** Replaces the plan for the key. If its task is running, it runs once more afterwards. */
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

  /** Cancels the plan for the key. A running task continues, and can still request another run. */
  remove(key: string): void {
    this.#clearTimer(key);
    this.#due.delete(key);
  }

  /** Call it after the signal was aborted. Clears all plans, and resolves when no task is running. */
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
    // A plan that was added while the task ran takes precedence.
    if (again !== undefined && !this.#due.has(key) && !this.#timers.has(key)) this.add(key, again);
    this.#work();
  }

  async #task(key: string): Promise<number | undefined> {
    const { log, signal } = this.options;
    try {
      return await this.options.task(key);
    } catch (error) {
      if (!signal.aborted) {
        log.error(
          `task ${printable(key)} failed, retry in ${AFTER_ERROR / 1000} s: ${printableReason(error)}`,
        );
      }
      return AFTER_ERROR;
    }
  }

  #clearTimer(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }
}

/** Runs tasks one after another. Use it for changes that depend on stored state: pushes can arrive concurrently. */
export class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` after all earlier tasks have settled. Settles like the task. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => {});
    return done;
  }
}
