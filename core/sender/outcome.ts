/** The table from the status of a SIP response to the outcome of the push (appendix C, RFC 3261 §21). */

import type { SipResponse } from '../sip/message/message.js';
import { isKnownStatus } from '../sip/message/writer.js';
import { parseDeltaSeconds } from '../sip/values/parameters.js';
import { warningTexts } from '../sip/values/warning.js';

/** `refused`: the receiver or the core rejected the push. `failed`: the receiver did not decide. */
export type ReceiptOutcome = 'delivered' | 'refused' | 'failed';

export interface Interpretation {
  outcome: ReceiptOutcome;
  status: number;
  reason: string;
  /** Whether the same push can be retried (C-02: yes, C-03: no). */
  retryable: boolean;
  /** Seconds to wait before a retry. */
  retryAfter?: number;
}

/**
 * C-02: 400, 500, 503 and 603 allow a retry. C-04: 408 means that no receiver was reached. 480 and 486 are transient.
 * Final are 403 and 604 (C-03), 404 and 410 (no such user), and 413, 415 and 488 (waiting does not change them).
 */
const RETRYABLE = new Set([400, 408, 430, 480, 486, 491, 500, 502, 503, 504, 580, 600, 603]);
/** A Retry-After makes these statuses transient (RFC 3261 §20.33). */
const TRANSIENT_WITH_RETRY_AFTER = new Set([404, 413]);
/** One day in seconds, the largest Retry-After that is followed. */
const MAX_RETRY_AFTER = 86_400;
/** Characters of the list of accepted types in a reason, which has to fit a log line. */
const MAX_LIST = 500;
/** Warnings in a reason. */
const MAX_WARNINGS = 2;
/** The core could not reach the receiver. */
const UNREACHED = new Set([408, 430, 480, 500, 502, 503, 504]);

export function interpret(response: SipResponse): Interpretation {
  const { status } = response;
  if (status < 300) return { outcome: 'delivered', status, reason: response.reason, retryable: false };
  const reason = response.reason + warnings(response) + acceptedTypes(response) + redirection(response);
  const retryAfter = parseDeltaSeconds(response.headers.get('Retry-After'));
  const known = knownStatus(status);
  const retryable =
    RETRYABLE.has(known) || (retryAfter !== undefined && TRANSIENT_WITH_RETRY_AFTER.has(known));
  return {
    outcome: UNREACHED.has(known) ? 'failed' : 'refused',
    status,
    reason,
    retryable,
    retryAfter: retryable && retryAfter !== undefined ? Math.min(retryAfter, MAX_RETRY_AFTER) : undefined,
  };
}

/** What the receiver says about its refusal. */
function warnings({ headers }: SipResponse): string {
  const texts = warningTexts(headers.getAll('Warning').slice(0, MAX_WARNINGS));
  return texts.map((text) => `: ${text}`).join('');
}

/** The types and codings that a 415 lists as accepted (RFC 3261 §21.4.13). */
function acceptedTypes({ status, headers }: SipResponse): string {
  if (status !== 415) return '';
  const types = headers.getAll('Accept');
  const codings = headers.getAll('Accept-Encoding');
  return [
    ...(types.length > 0 ? [`; accepted types: ${list(types)}`] : []),
    ...(codings.length > 0 ? [`; accepted encodings: ${list(codings)}`] : []),
  ].join('');
}

/** Why a redirection was not followed (RFC 3261 §21.3). */
function redirection({ status, headers }: SipResponse): string {
  if (status < 300 || status >= 400) return '';
  const contacts = headers.getAll('Contact');
  return contacts.length === 0
    ? ''
    : `; not followed: ${list(contacts)} is in another domain, or was tried before`;
}

function list(values: readonly string[]): string {
  const text = values.join(', ');
  return text.length > MAX_LIST ? `${text.slice(0, MAX_LIST)}…` : text;
}

/** An unknown status means the x00 of its class (RFC 3261 §8.1.3.2), e.g. Kamailio's 477, a failure to send. */
function knownStatus(status: number): number {
  return isKnownStatus(status) ? status : Math.floor(status / 100) * 100;
}
