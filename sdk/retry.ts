/** Retries of the work of an alarm, such as a request to a server. */

import { FetchError } from '../core/content/fetch/fetch-error.js';
import * as backoff from '../core/time/backoff.js';

/** How often and how long an application retries. */
export interface RetryLimits {
  /** Milliseconds before the second attempt, at most; the delay doubles with each failure. */
  readonly first: number;
  /** Milliseconds; the delay does not grow beyond this. */
  readonly longest: number;
  /** Attempts in total. */
  readonly attempts: number;
}

/**
 * Milliseconds before the next attempt, or undefined if the error is permanent or was the last one allowed. An error
 * whose `transient` is false is permanent, for example a FetchError of a request that the host's configuration does not
 * allow. The delay is random between half of its limit and all of it. A Retry-After of the server extends it, up to
 * `longest`. Store the failures with the alarm: `tx.setAlarm(alarm.key, now + delay, { failures })`.
 * @param limits how often and how long to retry.
 * @param failures number of failures so far, including this one.
 * @param error the last failure.
 */
export function retryDelay(limits: RetryLimits, failures: number, error: unknown): number | undefined {
  if (failures >= limits.attempts || !isTransient(error)) return undefined;
  const seconds = (error instanceof FetchError && error.retryAfter) || 0;
  return backoff.retryDelay(limits, failures, Math.min(seconds * 1000, limits.longest));
}

function isTransient(thrown: unknown): boolean {
  return !(thrown instanceof Error && 'transient' in thrown && thrown.transient === false);
}
