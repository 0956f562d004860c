/** Delays between attempts after failures (RFC 5626 §4.5). */

export interface BackoffLimits {
  /** Milliseconds before the second attempt. */
  first: number;
  /** Milliseconds; the delay does not grow beyond this. */
  longest: number;
}

/**
 * Milliseconds before the next attempt, without a random part. The delay doubles with each failure.
 * @param failures so far, at least 1.
 */
export function doubledDelay({ first, longest }: BackoffLimits, failures: number): number {
  return Math.min(first * 2 ** (failures - 1), longest);
}

/**
 * Milliseconds before the next attempt: between half and all of `doubledDelay`, so that peers that failed together do
 * not retry together.
 * @param failures so far, at least 1.
 * @param retryAfter milliseconds that the peer asked for: the shortest delay.
 */
export function retryDelay(
  limits: BackoffLimits,
  failures: number,
  retryAfter = 0,
  random = Math.random(),
): number {
  return Math.ceil(Math.max(doubledDelay(limits, failures) * (0.5 + random / 2), retryAfter));
}

/** Seconds. A longer Retry-After is cut to a day, because `setTimeout` overflows after 24 days. */
const MAX_RETRY_AFTER = 86_400;

/** Counts the failures of one peer in a row. Its delays are in seconds. */
export class Backoff {
  #failures = 0;

  /** @param longest seconds between two attempts. */
  constructor(private readonly longest = 600) {}

  /**
   * @param retryAfter seconds that the peer asked for.
   * @returns seconds until the next attempt.
   */
  next(retryAfter?: number): number {
    if (retryAfter !== undefined) return Math.min(Math.max(1, retryAfter), MAX_RETRY_AFTER);
    const limits = { first: 5000, longest: this.longest * 1000 };
    return Math.ceil(retryDelay(limits, ++this.#failures) / 1000);
  }

  /** An attempt succeeded: the next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
