import type { AppLog } from '../core/app/contract/services.js';
import { printable, printableReason } from '../core/text.js';

/** Milliseconds until a task that rejected is done again. */
const AFTER_ERROR = 30_000;
/** What a timer of JavaScript can count. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What an agenda does, and with which clock. */
export interface AgendaOptions {
  /**
   * Does what is to be done for a key, where there still is anything: it may be asked once too often. Resolves with
   * the milliseconds until it is to be done again; undefined: that was all. Rejecting is a line in the log, and another
   * attempt after 30 seconds.
   */
  task(key: string): Promise<number | undefined>;
  /** Keys. */
  readonly atOnce: number;
  readonly log: AppLog;
  /** The application's own: from when it is aborted nothing is begun. */
  readonly signal: AbortSignal;
}

/**
 * What an application does in the background, now or later, by key: a few at once, each key one at a time, in the order
 * in which they were added. It is in memory alone: what is to outlive a restart is in storage, and added at `start`.
 */
export class Agenda {
  /** Those whose turn it is, in order. */
  readonly #due = new Set<string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(private readonly options: AgendaOptions) {}

  /** In place of what was planned for the key; while its task runs, it is done once more after that. */
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

  /** What was planned for the key is not done; a task that runs goes on, and may still ask to be done again. */
  remove(key: string): void {
    this.#clearTimer(key);
    this.#due.delete(key);
  }

  /** When the signal has been aborted: nothing is planned any more; resolves when nothing is under way. */
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

/** Tasks one after another: for what depends on what an application keeps, since several pushes may come at once. */
export class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when those before it have ended, however they did. Resolves and rejects as it does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => {});
    return done;
  }
}
