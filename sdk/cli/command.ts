/** What a command of `sip-push` is, and what it is given. */

import type { ParseArgsConfig } from 'node:util';

export interface Io {
  /** One line on stdout. */
  out(line: string): void;
  /** One line on stderr: diagnostics, progress. */
  err(line: string): void;
  /** Aborted by SIGINT and SIGTERM: end cleanly. */
  signal: AbortSignal;
}

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

export interface Command {
  name: string;
  summary: string;
  /** The whole text of `--help`: usage, options, an example. */
  help: string;
  options: NonNullable<ParseArgsConfig['options']>;
  /** Resolves with the exit code. */
  run(values: Values, positionals: string[], io: Io): Promise<number>;
}

/** Exit codes (sysexits.h where it has one). */
export const EXIT = { ok: 0, refused: 1, usage: 2, tryAgain: 75 } as const;

/** Wrong words on the command line: one line that says what is wrong and what was expected, exit 2. */
export class UsageError extends Error {}

export function required(values: Values, name: string, example: string): string {
  const value = values[name];
  if (typeof value !== 'string' || value === '') {
    throw new UsageError(`--${name} is missing; expected e.g. --${name} ${example}`);
  }
  return value;
}
