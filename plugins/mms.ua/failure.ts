/** Why an exchange with an MMSC came to nothing, and when it makes sense again. */

import { FetchError, isTransient, MalformedError, printableReason } from 'sip-push/sdk';

/** Milliseconds until the second attempt; each later one waits twice as long. */
const FIRST_RETRY = 5_000;
const LONGEST_RETRY = 1_800_000;
/** About six hours with the waiting times above: an MMSC that is out of order for longer is asked by hand. */
export const MAX_ATTEMPTS = 20;
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
  const reason = printableReason(error);
  if (error instanceof MalformedError) return new MmscFailure('malformed', reason);
  if (!(error instanceof FetchError))
    return new MmscFailure(isTransient(error) ? 'transient' : 'final', reason);
  const { status = 0, retryAfter = 0, transient } = error;
  if (GONE_STATUS.has(status)) return new MmscFailure('gone', reason);
  return new MmscFailure(
    transient ? 'transient' : 'final',
    reason,
    Math.min(retryAfter * 1000, LONGEST_RETRY),
  );
}

/** Milliseconds. Spread, so that those who failed together do not come again together. */
export function waitAfter(attempts: number, retryAfter = 0): number {
  const longest = Math.min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY);
  return Math.round(Math.max(longest * (1 - Math.random() / 4), retryAfter));
}
