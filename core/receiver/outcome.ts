/** The one table from how a push ended to how it is answered, for each way it came (appendix C). */

import type { Outcome } from '../app/runtime.js';
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

/** @param acceptedTypes media types for the Accept of a 415 (RFC 3261 21.4.13). */
export function messageAnswer(outcome: Outcome, acceptedTypes: readonly string[]): MessageAnswer {
  if (outcome.taken) return { status: 200, reason: 'OK', headers: [] };
  const { kind } = outcome;
  const headers: [string, string][] = [];
  if (kind === 'type') headers.push(['Accept', acceptedTypes.join(', ')]);
  if (kind === 'busy' || kind === 'resources') {
    headers.push(['Retry-After', String(Math.max(1, Math.ceil(outcome.retryAfter ?? DEFAULT_RETRY_AFTER)))]);
  }
  return { ...MESSAGE_STATUS[kind], headers };
}
