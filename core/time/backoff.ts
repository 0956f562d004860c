/** Waits between retries: they double with each failure, and are random so that peers do not retry together. */

/** The wait after `failures` failures in a row, in the unit of `base`, without a random part. */
export function exponentialWait(
  base: number,
  failures: number,
  longest: number = Number.POSITIVE_INFINITY,
): number {
  return Math.min(base * 2 ** failures, longest);
}

/** As `exponentialWait`, but between half and all of it. */
export function randomizedWait(
  base: number,
  failures: number,
  longest: number,
  random: () => number = Math.random,
): number {
  return exponentialWait(base, failures, longest) * (0.5 + random() / 2);
}

/** Seconds (RFC 5626 §4.5). */
const BASE = 5;
const LONGEST = 600;
/** A peer that asks for more than a day is retried after a day; `setTimeout` is limited to 24 days. */
const MAX_RETRY_AFTER = 86_400;

/** Counts failures in a row, for the retries of a registration, subscription or negotiation. */
export class Backoff {
  #failures = 0;

  /** @param longest seconds between two attempts. */
  constructor(private readonly longest = LONGEST) {}

  /**
   * @param retryAfter seconds that the peer asked for.
   * @returns seconds until the next attempt.
   */
  next(retryAfter?: number): number {
    if (retryAfter !== undefined) return Math.min(Math.max(1, retryAfter), MAX_RETRY_AFTER);
    return Math.ceil(randomizedWait(BASE, this.#failures++, this.longest));
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
