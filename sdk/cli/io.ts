/** What a command says, and how it is told to end. */

import { constants } from 'node:os';

export interface Io {
  /** One line on stdout. */
  out(line: string): void;
  /** One line on stderr: diagnostics, progress. */
  err(line: string): void;
  /** Aborted by SIGINT and SIGTERM, and when nobody reads stdout any more: end cleanly. */
  readonly signal: AbortSignal;
}

/** That of this process. */
export function processIo(): Io {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second one means it.
      if (ending.signal.aborted) process.exit(128 + constants.signals[signal]);
      ending.abort();
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `sip-push host --json | head -1`: nobody reads any more. A full disk, though, ends no device.
    if (error.code === 'EPIPE') ending.abort();
  });
  process.stderr.on('error', () => {});
  return {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    signal: ending.signal,
  };
}

/** Resolves when the command is told to end. */
export function ended({ signal }: Io): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
