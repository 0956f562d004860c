/** The one table from how a push ended to how it is answered, for each way it came (appendix C). */

import type { Outcome, Refusal } from '../app/runtime.js';
import type { RefusalKind } from '../errors.js';

export interface MessageAnswer {
  status: number;
  reason: string;
  headers: [name: string, value: string][];
}

/**
 * RFC 3261 16.7 step 6: a proxy turns a 503 into a 500 without its Retry-After, so an agent never sends one;
 * RFC 4320 forbids 408 to a MESSAGE.
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

/** Seconds after which a sender may try again, where the application names none. */
const DEFAULT_RETRY_AFTER = 30;

/**
 * `declined` is no status: who is unwilling sets the port of the media line to zero in a 200 (B.4 step 3), as for
 * every file that is refused beside others.
 */
const INVITE_STATUS: Record<RefusalKind, { status: number; reason: string }> = {
  forbidden: { status: 403, reason: 'Forbidden' },
  type: { status: 488, reason: 'Not Acceptable Here' },
  size: { status: 488, reason: 'Not Acceptable Here' },
  declined: { status: 200, reason: 'OK' },
  busy: { status: 486, reason: 'Busy Here' },
  resources: { status: 500, reason: 'Server Internal Error' },
  failed: { status: 500, reason: 'Server Internal Error' },
};

/** RFC 4975 10: 413 asks the sender to stop, 400 says that it was received in vain. */
const MSRP_STATUS: Record<RefusalKind, number> = {
  forbidden: 403,
  type: 415,
  size: 413,
  declined: 413,
  busy: 413,
  resources: 413,
  failed: 400,
};

/** Of an INVITE none of whose files is taken. */
export function inviteAnswer({ kind, retryAfter }: Refusal): MessageAnswer {
  return { ...INVITE_STATUS[kind], headers: retryHeaders(kind, retryAfter) };
}

/** Of a response to a SEND, or of the REPORT at its end. */
export function msrpStatus(kind: RefusalKind): number {
  return MSRP_STATUS[kind];
}

/** @param acceptedTypes media types for the Accept of a 415 (RFC 3261 21.4.13). */
export function messageAnswer(outcome: Outcome, acceptedTypes: readonly string[]): MessageAnswer {
  if (outcome.accepted) return { status: 200, reason: 'OK', headers: [] };
  const { kind, retryAfter } = outcome;
  const headers = retryHeaders(kind, retryAfter);
  if (kind === 'type') headers.push(['Accept', acceptedTypes.join(', ')]);
  return { ...MESSAGE_STATUS[kind], headers };
}

function retryHeaders(kind: RefusalKind, retryAfter = DEFAULT_RETRY_AFTER): [name: string, value: string][] {
  if (kind !== 'busy' && kind !== 'resources') return [];
  return [['Retry-After', String(Math.max(1, Math.ceil(retryAfter)))]];
}
