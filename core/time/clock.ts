/** The clock of the runtime, which tests replace, and a timer that can be set again. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some moment. Unlike `now`, it never jumps: a change of the date does not change it. */
  elapsed(): number;
  /** Calls `callback` once after `milliseconds`, unless the returned function is called before. */
  after(milliseconds: number, callback: () => void): () => void;
  /** At least 0, less than 1: randomizes retries. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** One timeout at a time: setting it again replaces it. */
export class Timer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  get running(): boolean {
    return this.#timer !== undefined;
  }

  set(milliseconds: number, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      ring();
    }, milliseconds);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
