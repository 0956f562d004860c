/** Errors of the command line, exit codes, and the report of an error that ends a command. */

import { AppError, ConfigurationError, SipPushError } from '../../core/errors.js';
import { printable } from '../../core/text.js';
import type { Io } from './io.js';

/** An invalid command line. Its message is one line with the invalid value and what was expected. */
export class UsageError extends Error {}

/** Exit codes; 75 is EX_TEMPFAIL of sysexits.h. */
export const EXIT = { ok: 0, failed: 1, refused: 1, usage: 2, tryAgain: 75 } as const;

/** Reports the error that ended a command, with a stack trace only if it was unexpected. @returns the exit code. */
export function complain(error: unknown, io: Io): number {
  const expected = error instanceof UsageError || error instanceof SipPushError;
  const text = expected || !(error instanceof Error) ? String(expected ? error.message : error) : error.stack;
  for (const line of `${text}`.split('\n')) io.err(printable(`sip-push: ${line}`));
  const usage =
    error instanceof UsageError || error instanceof ConfigurationError || error instanceof AppError;
  return usage ? EXIT.usage : EXIT.failed;
}
