/** Delays between attempts after failures (RFC 5626 §4.5). */

export interface BackoffLimits {
  /** Milliseconds before the second attempt. */
  first: number;
  /** Milliseconds; the delay does not grow beyond this. */
  longest: number;
}

/**
 * Milliseconds before the next attempt. The delay doubles with each failure; a random half of it is left out, so that
 * peers that failed together do not retry together.
 * @param failures so far, at least 1.
 * @param retryAfter milliseconds that the peer asked for: the least delay.
 */
export function retryDelay(
  { first, longest }: BackoffLimits,
  failures: number,
  retryAfter = 0,
  random = Math.random(),
): number {
  const doubled = Math.min(first * 2 ** (failures - 1), longest);
  return Math.ceil(Math.max(doubled * (0.5 + random / 2), retryAfter));
}

/** Seconds. */
const RETRY_SECONDS = { base: 5, most: 600 };
/** Seconds. A longer Retry-After is cut to a day, because `setTimeout` overflows after 24 days. */
const MAX_RETRY_AFTER = 86_400;

/** The delays of one peer, in seconds. */
export class Backoff {
  #failures = 0;

  /** @param most seconds between two attempts. */
  constructor(private readonly most = RETRY_SECONDS.most) {}

  /** @param retryAfter seconds that the peer asked for. @returns seconds. */
  next(retryAfter?: number): number {
    if (retryAfter !== undefined) return Math.min(Math.max(1, retryAfter), MAX_RETRY_AFTER);
    const limits = { first: RETRY_SECONDS.base * 1000, longest: this.most * 1000 };
    return Math.ceil(retryDelay(limits, ++this.#failures) / 1000);
  }

  /** The next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
