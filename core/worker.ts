/**
 * The script of a worker in which a host runs an isolated application. `sip-push bundle` generates it; write one only for a
 * bundle of your own.
 *
 * @example The script of a worker
 * ```ts
 * import { insideWorker, serveWorker } from 'sip-push/worker';
 *
 * if (insideWorker) serveWorker(async (module) => (await import(module)).default);
 * ```
 * @module sip-push/worker
 */

import { type LoadApplication, serve } from './app/isolation/serve.js';
import { ConfigurationError } from './errors.js';
import { parentPort } from './platform/node/parent-port.js';

export type { LoadApplication } from './app/isolation/serve.js';

const port = parentPort();

/** Whether this thread was started by a host, to run an application. */
export const insideWorker = port !== undefined;

/**
 * Runs the application that the host asks for, until the host ends this thread. `load` gives the definition of a module,
 * by the name that the host's configuration has for it.
 * @throws ConfigurationError outside of such a worker.
 */
export function serveWorker(load: LoadApplication): void {
  if (!port) {
    throw new ConfigurationError(
      'serveWorker is for workers that a push host has started; insideWorker says whether it is in one',
    );
  }
  serve(port, load);
}
