/** Retries of what an application does in the background, such as requests to a server. */

import type { AppFetchResponse } from '../core/app/contract/services.js';
import { FetchError } from '../core/content/fetch/fetch-error.js';
import * as backoff from '../core/time/backoff.js';

/**
 * Whether a retry can succeed after this error. It can, unless the error has a `transient` of false: errors of the
 * `fetch` service do when the host's configuration does not allow the request, for example.
 */
export function isTransient(thrown: unknown): boolean {
  return !(thrown instanceof Error && 'transient' in thrown && thrown.transient === false);
}

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
 * Milliseconds before the next attempt, or undefined if the error is permanent or was the last one allowed. The delay
 * is random between half of its limit and all of it. A Retry-After of the server extends it, up to `longest`.
 * @param limits how often and how long to retry.
 * @param failures number of failures so far, including this one.
 * @param error the last failure.
 */
export function retryDelay(limits: RetryLimits, failures: number, error: unknown): number | undefined {
  if (failures >= limits.attempts || !isTransient(error)) return undefined;
  const seconds = (error instanceof FetchError && error.retryAfter) || 0;
  return backoff.retryDelay(limits, failures, Math.min(seconds * 1000, limits.longest));
}

/** Rejects with FetchError, and discards the body, unless the status of the response is 2xx. */
export async function requireSuccess(response: AppFetchResponse): Promise<void> {
  if (response.status >= 200 && response.status <= 299) return;
  await response.body.cancel();
  throw FetchError.ofStatus(response);
}
