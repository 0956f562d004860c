/**
 * Worker threads: the end of the worker. A module of its own, because loading the rest of the platform takes longer than
 * starting a worker.
 */

import { parentPort as port, workerData } from 'node:worker_threads';
import type { ParentPort } from '../threads.js';

/** Marks the workers of `startWorker`. */
export const WORKER_DATA = 'sip-push: worker';

/** The port to the thread that called `startWorker`; undefined in other threads. */
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
