/**
 * Worker threads, as they see their starter. By itself, since all else of a platform takes longer to load than a worker
 * to start.
 */

import { parentPort as port, workerData } from 'node:worker_threads';
import type { ParentPort } from '../threads.js';

/** Tells the workers that `startWorker` started from all others. */
export const WORKER_DATA = 'sip-push: worker';

/** The way to whoever started this thread by `startWorker`; undefined in any other. */
export function parentPort(): ParentPort | undefined {
  if (!port || workerData !== WORKER_DATA) return undefined;
  const { postMessage } = port;
  const parent: ParentPort = {
    onmessage: () => {},
    post: (message, transfer) => postMessage.call(port, message, transfer),
    memory() {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
  };
  port.on('message', (message) => parent.onmessage(message));
  return parent;
}
