/** Uncaught errors of applications, in a timer or a promise, where no call of the runtime can catch them. */

import type { Io } from './io.js';

/**
 * Logs uncaught errors, which must not end the device.
 * @returns a function that ends the logging.
 */
export function logUncaughtErrors(io: Io): () => void {
  const log = (error: unknown) => {
    // The runtime does not know which application it belongs to. The stack shows its origin.
    const where = error instanceof Error ? error.stack : String(error);
    io.err(`error uncaught error, probably of an application: ${where}`);
  };
  process.on('uncaughtException', log).on('unhandledRejection', log);
  return () => void process.off('uncaughtException', log).off('unhandledRejection', log);
}
