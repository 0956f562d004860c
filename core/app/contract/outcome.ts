/** The outcome of a dispatch, and the refusal in an application's error. */

import { MalformedError, type PushRefused, REFUSAL, type RefusalKind } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { BUSY_RETRY_AFTER, RESOURCES_RETRY_AFTER } from '../limits.js';
import { AppUnavailableError } from './unavailable.js';

/** Why a push is not accepted. `retryAfter` is in seconds, and only for `busy` and `resources`. */
export interface Refusal {
  kind: RefusalKind;
  /** For the log and the events of the host. */
  reason: string;
  /** The reason is the text of an error that was not meant for the sender: `senderReason` replaces it. */
  internal?: true;
  retryAfter?: number;
}

export type Outcome = { accepted: true; pushId: string } | ({ accepted: false; pushId?: string } & Refusal);

export function busy(reason: string): Refusal {
  return { kind: 'busy', reason, retryAfter: BUSY_RETRY_AFTER };
}

export function resources(reason: string): Refusal {
  return { kind: 'resources', reason, retryAfter: RESOURCES_RETRY_AFTER };
}

/** An application or the host failed. The text of the error stays on the device. */
export function internalFailure(reason: string): Refusal {
  return { kind: 'failed', reason, internal: true };
}

/** The disk or the store failed. The text of the error stays on the device. */
export function internalResources(reason: string): Refusal {
  return { ...resources(reason), internal: true };
}

/** The reason that the sender receives. */
export function senderReason({ kind, reason, internal }: Refusal): string {
  if (!internal) return reason;
  if (kind === 'busy') return 'the application is restarting';
  return kind === 'resources' ? 'the device lacks resources' : 'the application failed';
}

/** @param most size limit in bytes. */
export function tooLarge(eventAppId: string, most: number): Refusal {
  return { kind: 'size', reason: `${eventAppId} accepts at most ${most} bytes` };
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

/** Limit of Retry-After in seconds: one day. */
const MAX_RETRY_AFTER = 86_400;

/** The refusal in a thrown value; undefined if it is not one. Never throws. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  try {
    if (!isPushRefused(thrown)) return undefined;
    const { kind, retryAfter } = thrown;
    if (!Object.hasOwn(RETRYABLE, kind)) return undefined;
    const refusal: Refusal = { kind, reason: reasonOf(thrown) };
    // The reason contains the error that ended the worker.
    if (thrown instanceof AppUnavailableError) refusal.internal = true;
    const waits = (kind === 'busy' || kind === 'resources') && Number.isFinite(retryAfter);
    if (waits) refusal.retryAfter = Math.min(Math.max(0, Number(retryAfter)), MAX_RETRY_AFTER);
    return refusal;
  } catch {
    return undefined;
  }
}

/**
 * The refusal when a reader of `sip-push/formats` rejects content, which every attempt would repeat. Undefined for
 * other errors: a subclass of MalformedError is an error of the transfer. Never throws.
 */
export function malformedOf(thrown: unknown): Refusal | undefined {
  try {
    const malformed = thrown instanceof MalformedError && thrown.constructor === MalformedError;
    return malformed ? { kind: 'type', reason: reasonOf(thrown) } : undefined;
  } catch {
    return undefined;
  }
}

function isPushRefused(thrown: unknown): thrown is PushRefused {
  return typeof thrown === 'object' && thrown !== null && Reflect.get(thrown, REFUSAL) === true;
}

/** `return refuse(…)` means `throw refuse(…)`. @throws the refusal that a hook returned. */
export function requireNoRefusal(returned: unknown): void {
  if (isPushRefused(returned)) throw returned;
}

/** Limit of a stack in characters. */
const MAX_STACK = 4_000;

/** The stack of an error that is not a refusal. Never throws. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    if (!(thrown instanceof Error) || refusalOf(thrown)) return undefined;
    const { stack } = thrown;
    return typeof stack === 'string' ? stack.slice(0, MAX_STACK) : undefined;
  } catch {
    return undefined;
  }
}
