/** The input and output streams of a command, and the signal that ends it. */

import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { writeToStdout } from './captured-output.js';

export interface IoStreams {
  /** stdin; with `isTTY` if it is a terminal. */
  readonly input: Readable & { readonly isTTY?: boolean };
  /** Writes one line to stdout. */
  out(line: string): void;
  /** Writes one line of diagnostics to stderr. */
  err(line: string): void;
  /** Writes a line to stderr. At a terminal, the next line replaces it. */
  status(line: string): void;
  /** Resolves when stdout accepts more output. Commands whose output may not fit in memory wait for it. */
  drained(): Promise<void>;
  /** Whether stderr is a terminal. */
  readonly terminal: boolean;
  /** Aborted by SIGINT, SIGTERM and a closed stdout. The command ends then. */
  readonly signal: AbortSignal;
}

/** Moves to the start of the line and erases it (ECMA-48). */
export const ERASE = '\r\u001b[K';

/** The streams and signals of this process. */
export function processStreams(): IoStreams {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second signal ends the process at once.
      if (ending.signal.aborted) process.exit(128 + constants.signals[signal]);
      ending.abort();
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has exited, as in `sip-push host --json | head -1`. Other errors, such as a full disk, do not end the
    // process.
    if (error.code === 'EPIPE') ending.abort();
  });
  process.stderr.on('error', () => {});
  const terminal = process.stderr.isTTY === true;
  // Whether the last line on the screen is a status line.
  let statusShown = false;
  const clear = () => {
    if (statusShown) process.stderr.write(ERASE);
    statusShown = false;
  };
  return {
    // A command that does not read stdin does not open it.
    get input() {
      return process.stdin;
    },
    out: (line) => {
      clear();
      writeToStdout(`${line}\n`);
    },
    err: (line) => {
      clear();
      process.stderr.write(`${line}\n`);
    },
    status: (line) => {
      clear();
      statusShown = terminal;
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

/** Resolves when the command must end. */
export function untilAborted({ signal }: IoStreams): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The result of a promise; undefined if it rejected and the command has to end. */
export async function unlessEnded<T>({ signal }: IoStreams, promise: Promise<T>): Promise<T | undefined> {
  return await promise.catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
}

/** Time for the last output. */
const END_MS = 1_000;

/**
 * Ends the process, although an application left a timer, a socket or a promise open. Its errors no longer matter.
 */
export function endProcess(exitCode: number): void {
  process.exitCode = exitCode;
  process.on('uncaughtException', () => {}).on('unhandledRejection', () => {});
  setTimeout(() => process.exit(), END_MS).unref();
}

/** Makes new files readable only by their owner, including the files of LevelDB. */
export function setPrivateUmask(): void {
  process.umask(0o077);
}

/** Prefixes each line with the time of day. */
export function withTimestamps(io: IoStreams): IoStreams {
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
