/** What a command reads and says, and how it is told to end. */

import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

export interface Io {
  /** stdin; a terminal where somebody types. */
  readonly input: Readable & { readonly isTTY?: boolean };
  /** One line on stdout. */
  out(line: string): void;
  /** One line on stderr: diagnostics, progress. */
  err(line: string): void;
  /** On stderr: a line that the next one takes the place of, where there is a terminal. */
  status(line: string): void;
  /** Resolves when stdout has taken most of what it was given: for what says more than fits in memory. */
  drained(): Promise<void>;
  /** Whether somebody looks at stderr as it comes. */
  readonly terminal: boolean;
  /** Aborted by SIGINT and SIGTERM, and when nobody reads stdout any more: end cleanly. */
  readonly signal: AbortSignal;
}

/** To the start of the line, and nothing on it (ECMA-48). */
const ERASE = '\r\u001b[K';

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
  const terminal = process.stderr.isTTY === true;
  // A line of status is on the screen, and whatever comes next takes its place.
  let shown = false;
  const clear = () => {
    if (shown) process.stderr.write(ERASE);
    shown = false;
  };
  return {
    // A command that reads nothing does not open it.
    get input() {
      return process.stdin;
    },
    out: (line) => {
      clear();
      process.stdout.write(`${line}\n`);
    },
    err: (line) => {
      clear();
      process.stderr.write(`${line}\n`);
    },
    status: (line) => {
      clear();
      shown = terminal;
      process.stderr.write(
        terminal ? line.slice(0, Math.max(0, (process.stderr.columns || 80) - 1)) : `${line}\n`,
      );
    },
    drained: async () => {
      if (!process.stdout.writableNeedDrain) return;
      await once(process.stdout, 'drain', { signal: ending.signal }).catch(() => {});
    },
    terminal,
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

/** Files that are made from now on are their owner's alone: those of the store too, which LevelDB makes for everybody. */
export function keepPrivate(): void {
  process.umask(0o077);
}

/** With the time of day ahead of each line, for people who wonder when it was. */
export function timed(io: Io): Io {
  const now = () => new Date().toTimeString().slice(0, 8);
  return {
    get input() {
      return io.input;
    },
    out: (line) => io.out(`${now()} ${line}`),
    err: (line) => io.err(`${now()} ${line}`),
    status: (line) => io.status(`${now()} ${line}`),
    drained: () => io.drained(),
    terminal: io.terminal,
    signal: io.signal,
  };
}
