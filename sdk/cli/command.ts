/** What a command of `sip-push` is. */

import type { Io } from './io.js';
import type { Words } from './words.js';

export interface Command {
  name: string;
  /** The whole text of `--help`: usage, options, an example. */
  help: string;
  options: Readonly<Record<string, CommandOption>>;
  /** Whether words that are no options are taken: files. */
  operands?: boolean;
  /** Resolves with the exit code. */
  run(words: Words, io: Io): Promise<number>;
}

export type CommandOption = { type: 'string'; multiple?: boolean } | { type: 'boolean' };

/** Exit codes (sysexits.h where it has one). */
export const EXIT = { ok: 0, failed: 1, refused: 1, usage: 2, tryAgain: 75 } as const;

/** Wrong words on the command line: one line that says what is wrong and what was expected. */
export class UsageError extends Error {}
