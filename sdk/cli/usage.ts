/** Errors of the command line, and exit codes. */

import { AppError, ConfigurationError, SipPushError } from '../../core/errors.js';
import { printable } from '../../core/text.js';
import type { IoStreams } from './io-streams.js';

/** An invalid command line. Its message is one line with the invalid value and what was expected. */
export class UsageError extends Error {
  static {
    UsageError.prototype.name = 'UsageError';
  }
}

/** Exit codes; 75 is EX_TEMPFAIL of sysexits.h. */
export const EXIT = { ok: 0, failed: 1, refused: 1, usage: 2, temporaryFailure: 75 } as const;

/** Prints the error that ended a command, with its stack trace only if it was unexpected. @returns the exit code. */
export function reportError(error: unknown, io: IoStreams): number {
  const expected = error instanceof UsageError || error instanceof SipPushError;
  const text = expected || !(error instanceof Error) ? String(expected ? error.message : error) : error.stack;
  for (const line of `${text}`.split('\n')) io.err(printable(`sip-push: ${line}`));
  const usage =
    error instanceof UsageError || error instanceof ConfigurationError || error instanceof AppError;
  return usage ? EXIT.usage : EXIT.failed;
}
