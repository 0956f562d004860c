/** How a dispatch ended, and what an application's exception says about it. */

import { PushRefused, type RefusalKind } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { BUSY_RETRY_AFTER, RESOURCES_RETRY_AFTER } from '../limits.js';

/** Why a push was not taken; `retryAfter` in seconds, only for `busy` and `resources`. */
export interface Refusal {
  kind: RefusalKind;
  reason: string;
  retryAfter?: number;
}

export type Outcome = { accepted: true; pushId: string } | ({ accepted: false; pushId?: string } & Refusal);

export function busy(reason: string): Refusal {
  return { kind: 'busy', reason, retryAfter: BUSY_RETRY_AFTER };
}

export function resources(reason: string): Refusal {
  return { kind: 'resources', reason, retryAfter: RESOURCES_RETRY_AFTER };
}

/** @param most bytes that the application takes. */
export function tooLarge(eventAppId: string, most: number): Refusal {
  return { kind: 'size', reason: `${eventAppId} takes at most ${most} bytes` };
}

export function refused(pushId: string, refusal: Refusal): Outcome & { accepted: false } {
  return { accepted: false, pushId, ...refusal };
}

const RETRYABLE: Record<RefusalKind, boolean> = {
  forbidden: false,
  type: false,
  size: false,
  declined: false,
  busy: true,
  resources: true,
  failed: true,
};

export function isRetryable(kind: RefusalKind): boolean {
  return RETRYABLE[kind];
}

/** A day: no promise about later than that means anything. */
const MAX_RETRY_AFTER = 86_400;

/** The refusal that was thrown, if it is one. Never throws, whatever it is given. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  try {
    if (!isPushRefused(thrown)) return undefined;
    const { kind, retryAfter } = thrown;
    if (!Object.hasOwn(RETRYABLE, kind)) return undefined;
    const refusal: Refusal = { kind, reason: reasonOf(thrown) };
    const waits = (kind === 'busy' || kind === 'resources') && Number.isFinite(retryAfter);
    if (waits) refusal.retryAfter = Math.min(Math.max(0, Number(retryAfter)), MAX_RETRY_AFTER);
    return refusal;
  } catch {
    return undefined;
  }
}

/** By name too: an application bundled by itself brings a PushRefused of its own. */
function isPushRefused(thrown: unknown): thrown is PushRefused {
  if (thrown instanceof PushRefused) return true;
  return thrown instanceof Error && thrown.name === 'PushRefused' && 'kind' in thrown;
}

/** A stack is for whoever wrote the application. */
const MAX_STACK = 4_000;

/** Where it was thrown, of what was not thrown on purpose; never throws, whatever it is given. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    if (!(thrown instanceof Error) || refusalOf(thrown)) return undefined;
    const { stack } = thrown;
    return typeof stack === 'string' ? stack.slice(0, MAX_STACK) : undefined;
  } catch {
    return undefined;
  }
}
