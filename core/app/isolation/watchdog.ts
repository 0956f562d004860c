/** Watches the event loop and the memory of a worker. */

import { LimitError, TimeoutError } from '../../errors.js';
import type { WorkerThread } from '../../platform/threads.js';
import { CHECK_INTERVAL, PING_INTERVAL, SILENT_AFTER } from './limits.js';

/** The host's time in a worker. The clock of a test differs from the real one. */
export class HostTime {
  /** Milliseconds that the host's clock is ahead. */
  ahead = 0;

  now(): number {
    return Date.now() + this.ahead;
  }
}

export interface WatchedLimits {
  /** Bytes. */
  readonly memory: number;
  /** Milliseconds. */
  readonly unresponsive: number;
}

export class Watchdog {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds without an answer. Time in which this thread was busy does not count. */
  #silent = 0;
  #processMemory = 0;
  /** The ping that waits for its answer. */
  #asked: string | undefined;

  /**
   * @param ask sends a ping, whose answer repeats its name. Call `answered` when the worker answers.
   * @param onProblem called once.
   */
  constructor(
    private readonly thread: WorkerThread,
    private readonly limits: WatchedLimits,
    private readonly ask: (ping: string) => void,
    private readonly onProblem: (why: Error) => void,
  ) {
    this.#ping();
  }

  /**
   * An application can post answers itself: only the answer to the last ping counts.
   * @param ping the name of the ping, and `memory` in bytes, not yet validated.
   * @returns false for an answer without a ping.
   */
  answered(ping: unknown, memory: unknown): boolean {
    if (this.#timer === undefined || this.#asked === undefined || ping !== this.#asked) return false;
    this.#asked = undefined;
    const { memory: most } = this.limits;
    if (typeof memory === 'number' && memory > most) {
      this.#problem(
        new LimitError(`it uses ${memory} bytes of memory: expected at most ${most} (isolation.memory)`),
      );
      return true;
    }
    this.#next(PING_INTERVAL, () => this.#ping());
    return true;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #ping(): void {
    this.#silent = 0;
    this.#processMemory = this.thread.processMemory();
    this.#next(CHECK_INTERVAL, () => this.#check());
    this.#asked = crypto.randomUUID();
    this.ask(this.#asked);
  }

  /**
   * A worker that does not answer cannot report its memory, and could use all memory before the deadline. The growth of
   * the process is nearly always caused by that worker.
   */
  #check(): void {
    this.#silent += CHECK_INTERVAL;
    const { memory, unresponsive } = this.limits;
    const grown = this.thread.processMemory() - this.#processMemory;
    if (this.#silent >= unresponsive) {
      this.#problem(
        new TimeoutError(`its event loop was blocked for ${unresponsive / 1000} s (isolation.unresponsive)`),
      );
    } else if (this.#silent >= SILENT_AFTER && grown > memory) {
      this.#problem(
        new LimitError(
          `its event loop is blocked, and the process grew by ${grown} bytes: expected at most ${memory} (isolation.memory)`,
        ),
      );
    } else {
      this.#next(CHECK_INTERVAL, () => this.#check());
    }
  }

  #next(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
  }

  #problem(why: Error): void {
    this.stop();
    this.onProblem(why);
  }
}
