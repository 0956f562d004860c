import { LimitError, TimeoutError } from '../../errors.js';
import type { WorkerThread } from '../../platform/threads.js';
import { ASK_EVERY, LOOK_EVERY, SILENT_AFTER } from './limits.js';

/** The time as the host has it, in a worker: a test's clock goes over as its distance from the real one. */
export class HostTime {
  /** Milliseconds that the host's clock is ahead. */
  ahead = 0;

  now(): number {
    return Date.now() + this.ahead;
  }
}

/** Watches a worker: that its event loop turns, and what it has in memory. */

export interface WatchedLimits {
  /** Bytes. */
  readonly memory: number;
  /** Milliseconds. */
  readonly unresponsive: number;
}

export class Watchdog {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How long it owes an answer, as far as this thread was there to hear one: time in which it was busy itself does not count. */
  #silent = 0;
  #processMemory = 0;

  /**
   * @param ask what the worker answers at once; `heard` is called then.
   * @param onProblem called once.
   */
  constructor(
    private readonly thread: WorkerThread,
    private readonly limits: WatchedLimits,
    private readonly ask: () => void,
    private readonly onProblem: (why: Error) => void,
  ) {
    this.#ask();
  }

  /** @param memory as the worker says it, anything. */
  heard(memory: unknown): void {
    if (this.#timer === undefined) return;
    const { memory: most } = this.limits;
    if (typeof memory === 'number' && memory > most) {
      this.#problem(new LimitError(`it has ${memory} bytes in memory; at most ${most} (isolation.memory)`));
      return;
    }
    this.#next(ASK_EVERY, () => this.#ask());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #ask(): void {
    this.#silent = 0;
    this.#processMemory = this.thread.processMemory();
    this.#next(LOOK_EVERY, () => this.#look());
    this.ask();
  }

  /**
   * A worker that does not answer does not say what it has in memory, and may fill all there is before its time is up.
   * What the process has grown meanwhile is nearly always its doing.
   */
  #look(): void {
    this.#silent += LOOK_EVERY;
    const { memory, unresponsive } = this.limits;
    const grown = this.thread.processMemory() - this.#processMemory;
    if (this.#silent >= unresponsive) {
      this.#problem(
        new TimeoutError(`its event loop stood still for ${unresponsive / 1000} s (isolation.unresponsive)`),
      );
    } else if (this.#silent >= SILENT_AFTER && grown > memory) {
      this.#problem(
        new LimitError(
          `its event loop stands still, and the process grew by ${grown} bytes; at most ${memory} (isolation.memory)`,
        ),
      );
    } else {
      this.#next(LOOK_EVERY, () => this.#look());
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
