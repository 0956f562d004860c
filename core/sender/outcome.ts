/** The one table from a response to what it means for the push (appendix C, RFC 3261 21). */

import type { SipResponse } from '../sip/message/message.js';
import { parseDeltaSeconds } from '../sip/values/parameters.js';
import { isKnownStatus } from '../sip/wire/writer.js';

/** `refused`: the receiver or the core said no. `failed`: no final word of the receiver came. */
export type ReceiptOutcome = 'delivered' | 'refused' | 'failed';

export interface Interpretation {
  outcome: ReceiptOutcome;
  status: number;
  reason: string;
  /** Whether the same push may be tried again later (C-02: yes, C-03: no). */
  retryable: boolean;
  /** Seconds before which a retry is unwelcome. */
  retryAfter?: number;
}

/**
 * C-02: 400, 500, 503 and 603 invite a retry; C-04: 408, nothing reached the receiver; 480 and 486 say «not
 * now». 404 and 410 name nobody, 403 and 604 are final (C-03), 413, 415 and 488 will not change by waiting.
 */
const RETRYABLE = new Set([400, 408, 430, 480, 486, 491, 500, 502, 503, 504, 580, 600, 603]);
/** RFC 3261 20.33: a Retry-After on these says that the refusal is for now. */
const FOR_NOW_WITH_RETRY_AFTER = new Set([404, 413]);
/** A day, seconds: no promise about later than that means anything. */
const MAX_RETRY_AFTER = 86_400;
/** Characters of what a receiver takes: a receipt is for a log line. */
const MAX_LIST = 500;
/** No word of the receiver: the core could not reach it. */
const UNREACHED = new Set([408, 430, 480, 500, 502, 503, 504]);

export function interpret(response: SipResponse): Interpretation {
  const { status } = response;
  const reason = response.reason + whatItTakes(response);
  if (status < 300) return { outcome: 'delivered', status, reason, retryable: false };
  const retryAfter = parseDeltaSeconds(response.headers.get('Retry-After'));
  const waits = retryAfter !== undefined;
  const known = knownStatus(status);
  const retryable = RETRYABLE.has(known) || (waits && FOR_NOW_WITH_RETRY_AFTER.has(known));
  return {
    outcome: UNREACHED.has(known) ? 'failed' : 'refused',
    status,
    reason,
    retryable,
    ...(retryable && waits ? { retryAfter: Math.min(retryAfter, MAX_RETRY_AFTER) } : {}),
  };
}

/** RFC 3261 21.4.13: a 415 lists what would have been taken. */
function whatItTakes({ status, headers }: SipResponse): string {
  if (status !== 415) return '';
  const types = headers.getAll('Accept');
  const codings = headers.getAll('Accept-Encoding');
  return [
    ...(types.length > 0 ? [`; it takes ${list(types)}`] : []),
    ...(codings.length > 0 ? [`; it takes the encodings ${list(codings)}`] : []),
  ].join('');
}

function list(values: readonly string[]): string {
  const text = values.join(', ');
  return text.length > MAX_LIST ? `${text.slice(0, MAX_LIST)}…` : text;
}

/** RFC 3261 8.1.3.2: one that nobody knows is the x00 of its class, such as Kamailio's 477, «could not send it on». */
function knownStatus(status: number): number {
  return isKnownStatus(status) ? status : Math.floor(status / 100) * 100;
}
