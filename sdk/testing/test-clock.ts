/** Time that passes when a test says so. */

// From the module, not the global: this clock goes on under a test runner's fake timers.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { Clock } from '../../core/time/clock.js';

/** 2026-01-01, noon: the same in every run. */
const START = Date.UTC(2026, 0, 1, 12);

/**
 * Turns of the event loop after something happened: what an application does next without waiting for the disk is done
 * by then.
 */
const TURNS = 12;

/** Milliseconds of real time that something may take before its deadlines are brought forward. */
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

  /** The clock of one life of a host: when that is over its timers are, too. */
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

  /** Retries come when they come first: a test need not guess. */
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

  /**
   * Waits for something that nobody lets time pass for: what it waits for itself comes at once, after a moment of real
   * time.
   */
  async over<T>(promise: Promise<T>, patience = PATIENCE): Promise<T> {
    const impatience = setTimeout(() => {
      this.#hurried = true;
      for (const timer of [...this.#timers]) this.#bringForward(timer);
    }, patience);
    try {
      return await promise;
    } finally {
      clearTimeout(impatience);
      this.#hurried = false;
    }
  }

  /** Nothing of this life rings any more. */
  end(): void {
    for (const timer of this.#timers) this.clock.clear(timer);
    this.#timers.clear();
  }

  #bringForward(timer: Timer): void {
    if (this.clock.clear(timer)) timer.callback();
  }
}

/** Gives everybody else a moment. */
export async function turns(count = TURNS): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
