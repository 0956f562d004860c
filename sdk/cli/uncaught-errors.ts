/** Logs uncaught errors of applications: errors in a timer or a promise, which the runtime cannot catch. */

import { reasonOf } from '../../core/text.js';
import type { IoStreams } from './io-streams.js';

/**
 * Logs uncaught errors and unhandled rejections, so that they do not end the device.
 * @returns a function that removes the listeners.
 */
export function logUncaughtErrors(io: IoStreams): () => void {
  const log = (error: unknown) => {
    // The runtime does not know which application threw the error. The stack trace shows it.
    const trace = traceOf(error);
    io.err(`error uncaught error, probably of an application: ${trace}`);
  };
  process.on('uncaughtException', log).on('unhandledRejection', log);
  return () => void process.off('uncaughtException', log).off('unhandledRejection', log);
}

/** Never throws: an error in the listener would end the process. */
function traceOf(error: unknown): string {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === 'string' ? stack : reasonOf(error);
  } catch {
    return reasonOf(error);
  }
}
