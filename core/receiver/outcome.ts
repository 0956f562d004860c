/** The one table from the outcome of a push to its answer, for each mode (appendix C). */

import { senderReason } from '../app/contract/outcome.js';
import type { Outcome, Refusal } from '../app/runtime.js';
import type { RefusalKind } from '../errors.js';
import { formatWarning } from '../sip/values/warning.js';

export interface OutcomeAnswer {
  status: number;
  reason: string;
  headers: [name: string, value: string][];
}

/**
 * An agent never sends 503: a proxy turns it into a 500 without Retry-After (RFC 3261 §16.7 step 6). RFC 4320 forbids 408
 * for a MESSAGE.
 */
const MESSAGE_STATUS: Record<RefusalKind, { status: number; reason: string }> = {
  forbidden: { status: 403, reason: 'Forbidden' },
  type: { status: 415, reason: 'Unsupported Media Type' },
  size: { status: 413, reason: 'Request Entity Too Large' },
  declined: { status: 603, reason: 'Decline' },
  busy: { status: 480, reason: 'Temporarily Unavailable' },
  resources: { status: 500, reason: 'Server Internal Error' },
  failed: { status: 500, reason: 'Server Internal Error' },
};

/** Seconds, if the refusal names none. */
const DEFAULT_RETRY_AFTER = 30;

/** `declined` is a 200 in which the port of the media line is zero (B.4 step 3), as for a refused file among several. */
const INVITE_STATUS: Record<RefusalKind, { status: number; reason: string }> = {
  forbidden: { status: 403, reason: 'Forbidden' },
  type: { status: 488, reason: 'Not Acceptable Here' },
  size: { status: 488, reason: 'Not Acceptable Here' },
  declined: { status: 200, reason: 'OK' },
  busy: { status: 486, reason: 'Busy Here' },
  resources: { status: 500, reason: 'Server Internal Error' },
  failed: { status: 500, reason: 'Server Internal Error' },
};

/** RFC 4975 §10: 413 asks the sender to stop; 400 reports that the content was received but not accepted. */
const MSRP_STATUS: Record<RefusalKind, number> = {
  forbidden: 403,
  type: 415,
  size: 413,
  declined: 413,
  busy: 413,
  resources: 413,
  failed: 400,
};

/** The answer to an INVITE none of whose files is accepted. */
export function inviteAnswer({ kind, retryAfter }: Refusal): OutcomeAnswer {
  return { ...INVITE_STATUS[kind], headers: retryHeaders(kind, retryAfter) };
}

/** The status of a response to a SEND, or of the REPORT after the last one. */
export function msrpStatus(kind: RefusalKind): number {
  return MSRP_STATUS[kind];
}

/** @param acceptedTypes media types for the Accept of a 415 (RFC 3261 §21.4.13). */
export function messageAnswer(outcome: Outcome, acceptedTypes: () => readonly string[]): OutcomeAnswer {
  if (outcome.accepted) return { status: 200, reason: 'OK', headers: [] };
  const { kind, retryAfter } = outcome;
  const headers = retryHeaders(kind, retryAfter);
  if (kind === 'type') headers.push(['Accept', acceptedTypes().join(', ')]);
  // Only a push that an application received has an id.
  if (outcome.pushId !== undefined) headers.push(...warningOf(outcome));
  return { ...MESSAGE_STATUS[kind], headers };
}

/** Why an application refused content of a type that it accepts, which the list of accepted types does not explain. */
export function warningOf(refusal: Refusal): [name: string, value: string][] {
  return refusal.kind === 'type' ? [['Warning', formatWarning(senderReason(refusal))]] : [];
}

function retryHeaders(kind: RefusalKind, retryAfter = DEFAULT_RETRY_AFTER): [name: string, value: string][] {
  if (kind !== 'busy' && kind !== 'resources') return [];
  return [['Retry-After', String(Math.max(1, Math.ceil(retryAfter)))]];
}
