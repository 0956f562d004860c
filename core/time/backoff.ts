/** How long to wait before asking again, after a failure (RFC 5626 4.5). */

/** Seconds. The wait doubles with each failure; it is between half and all of that, at random: no storm of retries. */
const RETRY_SECONDS = { base: 5, most: 600 };
/** Who asks for longer than a day is asked again after a day; `setTimeout` wraps at 24 days. */
const MAX_RETRY_AFTER = 86_400;

export class Backoff {
  #failures = 0;

  /** @param most seconds between two attempts. */
  constructor(private readonly most = RETRY_SECONDS.most) {}

  /** @param retryAfter seconds that the peer asked for. @returns seconds. */
  next(retryAfter?: number): number {
    if (retryAfter !== undefined) return Math.min(Math.max(1, retryAfter), MAX_RETRY_AFTER);
    const wait = Math.min(RETRY_SECONDS.base * 2 ** this.#failures++, this.most);
    return Math.ceil(wait * (0.5 + Math.random() / 2));
  }

  /** Something succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
