/** What a notifier says of a subscription, and what that means (RFC 6665 4.1.3, 8.4). */

import { parseDeltaSeconds } from './delta-seconds.js';
import { skipBlanks } from './grammar.js';
import { parseParameters } from './parameters.js';

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
    ...(expires === undefined ? {} : { expires }),
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
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
