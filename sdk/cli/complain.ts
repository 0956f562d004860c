/** Reports the error that ended a command. */

import { AppError, ConfigurationError, SipPushError } from '../../core/errors.js';
import { printable } from '../../core/text.js';
import type { Io } from './io.js';
import { EXIT, UsageError } from './usage.js';

/** Prints a stack trace only for an unexpected error. @returns the exit code. */
export function complain(error: unknown, io: Io): number {
  const expected = error instanceof UsageError || error instanceof SipPushError;
  const text = expected || !(error instanceof Error) ? String(expected ? error.message : error) : error.stack;
  for (const line of `${text}`.split('\n')) io.err(printable(`sip-push: ${line}`));
  const usage =
    error instanceof UsageError || error instanceof ConfigurationError || error instanceof AppError;
  return usage ? EXIT.usage : EXIT.failed;
}
