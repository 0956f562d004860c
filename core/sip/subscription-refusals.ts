/** What a refusal of a SUBSCRIBE means for what comes after it. */

import { parseDeltaSeconds } from './delta-seconds.js';
import type { SipResponse } from './message.js';

/** Refusals that asking again does not change (RFC 3261 21.4, RFC 6665 4.1.2), unless they say when to ask again. */
const FINAL = new Set([
  ...[300, 301, 302, 305, 400, 401, 402, 403, 404, 405, 406, 407, 410, 413, 414, 415, 416, 420, 421],
  ...[484, 485, 489, 493, 501, 505, 513, 603, 604, 606],
]);
/** Refusals of a refresh after which the subscription is gone (RFC 5057 5.1, RFC 6665 4.1.2.2). */
const GONE = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);

export function retryAfterOf({ headers }: SipResponse): number | undefined {
  return parseDeltaSeconds(headers.get('Retry-After'));
}

/** Of the first SUBSCRIBE. */
export function isFinal(response: SipResponse): boolean {
  return FINAL.has(response.status) && retryAfterOf(response) === undefined;
}

/** Of a refresh. Any other leaves the subscription as it was. */
export function endsSubscription({ status }: SipResponse): boolean {
  return GONE.has(status);
}
