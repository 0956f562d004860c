/** Errors that an application leaves alone, in a timer or a promise, where no call of ours can catch them. */

import type { Io } from './io.js';

/**
 * Such an error costs the application what it was doing, never the device: it is said, and that is all.
 * @returns what ends that.
 */
export function sayStrayErrors(io: Io): () => void {
  const say = (error: unknown) => {
    // Where it came from is in the stack: the runtime does not know whose it was.
    const where = error instanceof Error ? error.stack : String(error);
    io.err(`error nobody caught this, an application of this host most likely: ${where}`);
  };
  process.on('uncaughtException', say).on('unhandledRejection', say);
  return () => void process.off('uncaughtException', say).off('unhandledRejection', say);
}
