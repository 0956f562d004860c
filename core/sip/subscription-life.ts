/** How long a subscription lasts, and when it is refreshed (RFC 6665 4.1.2.2). */

/** Longest that is counted on, seconds: `setTimeout` wraps at 2^31 ms. */
export const MAX_EXPIRES = 2_000_000;
/** Milliseconds: a notifier that grants nothing is not asked again without end. */
const MIN_REFRESH = 1000;
/** Milliseconds ahead of its end at which a long subscription is refreshed. */
const AHEAD = 600_000;

export class SubscriptionLife {
  /** On the clock of `performance.now()`. */
  #expiresAt = 0;

  /** Milliseconds; none, or less, of one that has expired. */
  get left(): number {
    return this.#expiresAt - performance.now();
  }

  expireIn(seconds: number): void {
    this.#expiresAt = performance.now() + Math.min(seconds, MAX_EXPIRES) * 1000;
  }

  end(): void {
    this.#expiresAt = 0;
  }

  /** Milliseconds until the next refresh. */
  get untilRefresh(): number {
    const left = Math.max(0, this.left);
    // 3GPP TS 24.229 5.1.1.3: ten minutes ahead, or after half of the time where that is short.
    const wait = left > 2 * AHEAD ? left - AHEAD : left / 2;
    // At random, so that what began together does not go on together.
    return Math.max(MIN_REFRESH, wait * (0.9 + Math.random() / 10));
  }
}
