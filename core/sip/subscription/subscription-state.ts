/** What a notifier says of a subscription, and what that means (RFC 6665 4.1.3, 8.4). */

import { skipBlanks } from '../message/grammar.js';
import type { SipResponse } from '../message/message.js';
import { parseDeltaSeconds, parseParameters } from '../values/parameters.js';

/** A Subscription-State header. */
export interface NotifiedState {
  readonly state: 'active' | 'pending' | 'terminated';
  /** Seconds left; of `active` and `pending`. */
  readonly expires?: number;
  /** Why it is terminated: `deactivated`, `timeout`, `rejected` … */
  readonly reason?: string;
  /** Seconds after which to subscribe again; of `terminated`. */
  readonly retryAfter?: number;
}

/** What comes of a subscription. */
export type SubscriptionStatus =
  | { readonly state: 'active' | 'pending'; readonly expires: number }
  /**
   * There is none at the moment: it is asked for anew. What the next NOTIFY says does not go on from the one before:
   * versions of documents count from the beginning.
   */
  | {
      readonly state: 'lost';
      readonly reason: string;
      /** Absent when no response said so. */
      readonly status?: number;
      readonly retryInSeconds: number;
    }
  /** It was refused for good; nothing more comes. */
  | { readonly state: 'ended'; readonly reason: string; readonly status?: number };

const STATES = ['active', 'pending', 'terminated'] as const;

/** RFC 6665 4.1.3: subscribe anew at once. */
const AT_ONCE = new Set(['deactivated', 'timeout']);
/** At once unless the notifier says when. */
const WHEN_TOLD = new Set(['giveup']);
/** Not at all. */
const NEVER = new Set(['rejected', 'noresource', 'invariant']);

/** Undefined for what is no such header, or a state that nobody defined. */
export function parseSubscriptionState(text: string | undefined): NotifiedState | undefined {
  const word = /^[a-z-]{1,32}/i.exec(text ?? '')?.[0] ?? '';
  const state = STATES.find((known) => known === word.toLowerCase());
  const parameters = text === undefined ? undefined : parseParameters(text, skipBlanks(text, word.length));
  if (!state || !parameters) return undefined;
  const expires = parseDeltaSeconds(parameters.get('expires'));
  const reason = parameters.get('reason')?.toLowerCase();
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

/** When to subscribe anew after a terminated state: seconds; undefined where we decide ourselves. */
export function resumption({ reason = '', retryAfter }: NotifiedState): 'never' | number | undefined {
  if (NEVER.has(reason)) return 'never';
  if (AT_ONCE.has(reason)) return 0;
  return retryAfter ?? (WHEN_TOLD.has(reason) ? 0 : undefined);
}

/** How long a subscription lasts, and when it is refreshed (RFC 6665 4.1.2.2). */

/** Longest that is counted on, seconds: `setTimeout` wraps at 2^31 ms. */
export const MAX_EXPIRES = 2_000_000;
/** Milliseconds: a notifier that grants nothing is not asked again without end. */
const MIN_REFRESH = 1000;
/** Milliseconds ahead of its end at which a long subscription is refreshed. */
const AHEAD = 600_000;

export class SubscriptionLife {
  /** On the clock of `performance.now()`. */
  #expiresAt = 0;

  /** Milliseconds; none, or less, of one that has expired. */
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
    // 3GPP TS 24.229 5.1.1.3: ten minutes ahead, or after half of the time where that is short.
    const wait = left > 2 * AHEAD ? left - AHEAD : left / 2;
    // At random, so that what began together does not go on together.
    return Math.max(MIN_REFRESH, wait * (0.9 + Math.random() / 10));
  }
}

/** What a refusal of a SUBSCRIBE means for what comes after it. */

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
