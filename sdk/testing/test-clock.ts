/** A clock that a test advances. */

// Imported from the module, so that fake timers of a test runner do not stop this clock.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { Clock } from '../../core/time/clock.js';

/** Noon of 2026-01-01 (UTC), the same in every run. */
const START = Date.UTC(2026, 0, 1, 12);

/**
 * Turns of the event loop after an event, enough for an application to do everything that does not wait for the disk.
 */
const TURNS = 12;

/** Milliseconds of real time before the timers of a pending operation fire early. */
const PATIENCE = 250;

interface Timer {
  at: number;
  callback(): void;
}

/** The clock of a test host. */
export interface HostClock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Advances the clock of the runtime and the applications: the service `clock`, alarms, deadlines and redelivery, in
   * order. Resolves when the time has passed. The global `setTimeout` and `Date` are not affected.
   */
  advance(milliseconds: number): Promise<void>;
}

export class TestClock implements HostClock {
  readonly #timers = new Set<Timer>();
  #now: number;

  constructor(start: Date | number = START) {
    this.#now = Number(start);
  }

  now(): number {
    return this.#now;
  }

  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await turns();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#ring(timer);
      await turns();
    }
    this.#now = end;
    await turns();
  }

  /** The clock of a device until its stop, which clears its timers. */
  view(): ClockView {
    return new ClockView(this);
  }

  set(at: number, callback: () => void): Timer {
    const timer = { at, callback };
    this.#timers.add(timer);
    return timer;
  }

  clear(timer: Timer): boolean {
    return this.#timers.delete(timer);
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    }
    return first;
  }

  #ring(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
  }
}

export class ClockView implements Clock {
  readonly #timers = new Set<Timer>();
  #hurried = false;

  constructor(private readonly clock: TestClock) {}

  readonly now = () => this.clock.now();

  readonly elapsed = this.now;

  /** Retries have their shortest delay, so that tests can predict it. */
  readonly random = () => 0;

  readonly after = (milliseconds: number, callback: () => void) => {
    const timer = this.clock.set(this.now() + milliseconds, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    if (this.#hurried) setImmediate(() => this.#bringForward(timer));
    return () => {
      this.clock.clear(timer);
      this.#timers.delete(timer);
    };
  };

  /** Waits for an operation. If the test does not advance the clock for it, its timers fire after a short real time. */
  async over<T>(promise: Promise<T>, patience = PATIENCE): Promise<T> {
    const realTimer = setTimeout(() => {
      this.#hurried = true;
      for (const timer of [...this.#timers]) this.#bringForward(timer);
    }, patience);
    try {
      return await promise;
    } finally {
      clearTimeout(realTimer);
      this.#hurried = false;
    }
  }

  /** Clears all timers. */
  end(): void {
    for (const timer of this.#timers) this.clock.clear(timer);
    this.#timers.clear();
  }

  #bringForward(timer: Timer): void {
    if (this.clock.clear(timer)) timer.callback();
  }
}

/** Yields to the event loop for `count` turns. */
export async function turns(count = TURNS): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
