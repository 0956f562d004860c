/** Why an exchange with an MMSC came to nothing, and when it makes sense again. */

import { isTransient, MalformedError, printableReason } from 'sip-push/sdk';

/** Milliseconds until the second attempt; each later one waits twice as long. */
const FIRST_RETRY = 5_000;
const LONGEST_RETRY = 1_800_000;
/** About six hours with the waiting times above: an MMSC that is out of order for longer is asked by hand. */
export const MAX_ATTEMPTS = 20;
/** RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4: the same request may succeed later. */
const TRANSIENT_STATUS = new Set([408, 425, 429]);
const GONE_STATUS = new Set([404, 410]);

/**
 * `transient` may be over later; `malformed` is not what was expected, which a page of a network that wants a log-in
 * may be; `final` stays as it is; `gone`: the MMSC does not have the message.
 */
type Kind = 'transient' | 'malformed' | 'final' | 'gone';

export class MmscFailure extends Error {
  constructor(
    readonly kind: Kind,
    reason: string,
    /** Milliseconds, where the MMSC named a time. */
    readonly retryAfter = 0,
  ) {
    super(reason);
  }
}

export function failureOf(error: unknown): MmscFailure {
  if (error instanceof MmscFailure) return error;
  if (error instanceof MalformedError) return new MmscFailure('malformed', error.message);
  return new MmscFailure(isTransient(error) ? 'transient' : 'final', printableReason(error));
}

/** Of an answer that is no success. */
export function statusFailure(status: number, headers: Readonly<Record<string, string>>): MmscFailure {
  const reason = `answered ${status}`;
  if (GONE_STATUS.has(status)) return new MmscFailure('gone', reason);
  if (status < 300) return new MmscFailure('malformed', reason);
  if (status < 500 && !TRANSIENT_STATUS.has(status)) return new MmscFailure('final', reason);
  const seconds = Number(headers['retry-after'] ?? 0);
  const retryAfter = Number.isFinite(seconds) ? Math.min(Math.max(seconds * 1000, 0), LONGEST_RETRY) : 0;
  return new MmscFailure('transient', reason, retryAfter);
}

/** Milliseconds. Spread, so that those who failed together do not come again together. */
export function waitAfter(attempts: number, retryAfter = 0): number {
  const longest = Math.min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY);
  return Math.round(Math.max(longest * (1 - Math.random() / 4), retryAfter));
}
