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

/** Whether this thread is a worker that a host started for an application. */
export const insideWorker = port !== undefined;

/**
 * Runs an application until the host ends this thread. `load` loads the definition of a module, by the name in the
 * host's configuration.
 * @throws ConfigurationError outside of a worker of a host.
 */
export function serveWorker(load: LoadApplication): void {
  if (!port) {
    throw new ConfigurationError(
      'serveWorker was called outside of a worker that a host started: call it only if insideWorker is true',
    );
  }
  serve(port, load);
}
