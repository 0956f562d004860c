/** The input and output streams of a command, and the signal that ends it. */

import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogSink } from '../../core/log.js';
import { runningApplication } from '../manifest/running-application.js';

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
const ERASE = '\r\u001b[K';

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
    // The reader has exited, as in `sip-push host --json | head -1`. Other errors, such as a full disk, end nothing.
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

/** Sinks of the commands that capture standard output; the last one receives it. */
const sinks: LogSink[] = [];
/** `process.stdout.write`, while it is replaced. */
let original: typeof process.stdout.write | undefined;

function writeToStdout(text: string): void {
  (original ?? process.stdout.write).call(process.stdout, text);
}

/**
 * Logs each line that an application prints with `console.log` or `process.stdout.write`: standard output contains the
 * lines of the command alone.
 * @returns a function that ends this.
 */
export function captureOutput(log: LogSink): () => void {
  if (sinks.length === 0) {
    original = process.stdout.write;
    process.stdout.write = logWritten;
  }
  sinks.push(log);
  return () => {
    sinks.splice(sinks.indexOf(log), 1);
    if (sinks.length > 0 || original === undefined) return;
    process.stdout.write = original;
    original = undefined;
  };
}

/** `process.stdout.write` of an application. */
function logWritten(
  chunk: string | Uint8Array,
  encoding?: BufferEncoding | ((error?: Error) => void),
  written: ((error?: Error) => void) | undefined = typeof encoding === 'function' ? encoding : undefined,
): boolean {
  const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
  const app = runningApplication();
  // A line that is printed in several pieces becomes several lines.
  for (const message of text.split('\n')) {
    if (message !== '') sinks.at(-1)?.({ level: 'info', app, message });
  }
  if (written) process.nextTick(written);
  return true;
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

/** A terminal whose output does not disturb the line that is being edited. */
export interface LineEditor {
  /** The streams that print above the edited line. */
  readonly io: IoStreams;
  /** Starts reading lines: at a terminal with line editing and a history, and `SIGINT` for Ctrl-C. */
  open(): Interface;
}

export function lineEditor(io: IoStreams): LineEditor {
  let editing: Interface | undefined;
  const above = (print: (line: string) => void) => (line: string) => {
    if (editing) process.stderr.write(ERASE);
    print(line);
    editing?.prompt(true);
  };
  return {
    io: {
      get input() {
        return io.input;
      },
      out: above(io.out),
      err: above(io.err),
      status: above(io.status),
      drained: () => io.drained(),
      terminal: io.terminal,
      signal: io.signal,
    },
    open() {
      const { input } = io;
      if (input.isTTY !== true) return createInterface({ input });
      // stdout can be a file.
      const lines = createInterface({ input, output: process.stderr, terminal: true, prompt: '> ' });
      editing = lines;
      lines
        .on('line', () => editing?.prompt())
        .on('close', () => {
          editing = undefined;
        });
      lines.prompt();
      return lines;
    },
  };
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
