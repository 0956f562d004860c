/** Logs the lines that applications print. */

import type { LogSink } from '../../core/log.js';
import { runningApplication } from '../manifest/running-application.js';

/** Sinks of the commands that capture standard output; the last one receives it. */
const sinks: LogSink[] = [];
/** `process.stdout.write`, while it is replaced. */
let original: typeof process.stdout.write | undefined;

/** Writes the output of a command, even while that of applications is captured. */
export function writeToStdout(text: string): void {
  (original ?? process.stdout.write).call(process.stdout, text);
}

/**
 * Logs each line that an application prints with `console.log` or `process.stdout.write`: standard output contains the
 * lines of the command alone.
 * @returns a function that restores standard output.
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
