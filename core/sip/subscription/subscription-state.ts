/** The state of a subscription, and refusals of a SUBSCRIBE (RFC 6665 §4.1, §8.4). */

import { skipBlanks } from '../message/grammar.js';
import type { SipResponse } from '../message/message.js';
import { parseDeltaSeconds, parseParameters } from '../values/parameters.js';

/** A Subscription-State header. */
export interface NotifiedState {
  readonly state: 'active' | 'pending' | 'terminated';
  /** Seconds left; of `active` and `pending`. */
  readonly expires?: number;
  /** The reason of `terminated`: `deactivated`, `timeout`, `rejected` and others. */
  readonly reason?: string;
  /** Seconds until the next SUBSCRIBE; of `terminated`. */
  readonly retryAfter?: number;
}

/** Events of a subscription. */
export type SubscriptionStatus =
  | { readonly state: 'active' | 'pending'; readonly expires: number }
  /**
   * The subscription is lost and will be requested again. The next NOTIFY does not continue the last one:
   * versions of documents start again.
   */
  | {
      readonly state: 'lost';
      readonly reason: string;
      /** Absent without a response. */
      readonly status?: number;
      readonly retryInSeconds: number;
    }
  /** A permanent refusal: nothing more follows. */
  | { readonly state: 'ended'; readonly reason: string; readonly status?: number };

const STATES = ['active', 'pending', 'terminated'] as const;

/** RFC 6665 §4.1.3: subscribe again at once. */
const AT_ONCE = new Set(['deactivated', 'timeout']);
/** Subscribe again at once, unless the notifier states a time. */
const AT_ONCE_BY_DEFAULT = new Set(['giveup']);
/** Do not subscribe again. */
const NEVER = new Set(['rejected', 'noresource', 'invariant']);

/** Undefined if the header is malformed, or the state unknown. */
export function parseSubscriptionState(text: string | undefined): NotifiedState | undefined {
  const word = /^[a-z-]{1,32}/i.exec(text ?? '')?.[0] ?? '';
  const state = STATES.find((known) => known === word.toLowerCase());
  const parameters = text === undefined ? undefined : parseParameters(text, skipBlanks(text, word.length));
  if (!state || !parameters) return undefined;
  const expires = parseDeltaSeconds(parameters.get('expires'));
  // `;reason` without a value has no meaning.
  const reason = parameters.get('reason')?.toLowerCase() || undefined;
  const retryAfter = parseDeltaSeconds(parameters.get('retry-after'));
  return {
    state,
    expires,
    reason,
    retryAfter,
  };
}

export function formatSubscriptionState({ state, expires, reason, retryAfter }: NotifiedState): string {
  const parameters = [
    ...(expires === undefined ? [] : [`;expires=${expires}`]),
    ...(reason === undefined ? [] : [`;reason=${reason}`]),
    ...(retryAfter === undefined ? [] : [`;retry-after=${retryAfter}`]),
  ];
  return `${state}${parameters.join('')}`;
}

/** Seconds until the next SUBSCRIBE after a terminated state; undefined if the subscriber decides. */
export function resumption({ reason = '', retryAfter }: NotifiedState): 'never' | number | undefined {
  if (NEVER.has(reason)) return 'never';
  if (AT_ONCE.has(reason)) return 0;
  return retryAfter ?? (AT_ONCE_BY_DEFAULT.has(reason) ? 0 : undefined);
}

/** Permanent refusals (RFC 3261 §21.4, RFC 6665 §4.1.2), unless they state when to retry. */
const FINAL = new Set([
  ...[300, 301, 302, 305, 400, 401, 402, 403, 404, 405, 406, 407, 410, 413, 414, 415, 416, 420, 421],
  ...[484, 485, 489, 493, 501, 505, 513, 603, 604, 606],
]);
/** Refusals of a refresh that end the subscription (RFC 5057 §5.1, RFC 6665 §4.1.2.2). */
const SUBSCRIPTION_ENDS = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);

export function retryAfterOf({ headers }: SipResponse): number | undefined {
  return parseDeltaSeconds(headers.get('Retry-After'));
}

/** Whether a refusal of the first SUBSCRIBE is permanent. */
export function isFinal(response: SipResponse): boolean {
  return FINAL.has(response.status) && retryAfterOf(response) === undefined;
}

/** Whether a refusal of a refresh ends the subscription. Any other leaves it unchanged. */
export function endsSubscription({ status }: SipResponse): boolean {
  return SUBSCRIPTION_ENDS.has(status);
}
