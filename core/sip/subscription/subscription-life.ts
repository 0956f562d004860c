/** The duration of a subscription, and when it is refreshed (RFC 6665 §4.1.2.2). */

/** Longest duration, seconds: `setTimeout` overflows at 2^31 ms. */
export const MAX_EXPIRES = 2_000_000;
/** Shortest duration, milliseconds: a notifier that grants nothing is not asked in a loop. */
const MIN_REFRESH = 1000;
/** How long before its end a long subscription is refreshed, milliseconds. */
const REFRESH_MARGIN = 600_000;

export class SubscriptionLife {
  /** On the clock of `performance.now()`. */
  #expiresAt = 0;

  /** Milliseconds left; zero or less after it has expired. */
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
    // 3GPP TS 24.229 §5.1.1.3: ten minutes before the end, or after half of a shorter duration.
    const wait = left > 2 * REFRESH_MARGIN ? left - REFRESH_MARGIN : left / 2;
    // At random, so that subscriptions that began together are not refreshed together.
    return Math.max(MIN_REFRESH, wait * (0.9 + Math.random() / 10));
  }
}
