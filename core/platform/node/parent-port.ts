/**
 * Worker threads: the end of the worker. A module of its own, because loading the rest of the platform takes longer than
 * starting a worker.
 */

import { MessagePort, parentPort as ownPort, workerData } from 'node:worker_threads';
import type { ParentPort } from '../threads.js';

/** Key of the port in the data of a worker of `startWorker`. */
export const HOST_PORT = 'sip-push: port of the host';

/**
 * The port to the thread that called `startWorker`; undefined in other threads, and at the second call. The application
 * that runs in the worker cannot reach it: it is no longer in `workerData`, and `parentPort` of Node.js is closed.
 */
export function parentPort(): ParentPort | undefined {
  const data: Record<string, unknown> = Object(workerData);
  const port = data[HOST_PORT];
  if (!(port instanceof MessagePort)) return undefined;
  delete data[HOST_PORT];
  ownPort?.close();
  // A worker does not inherit it. Stack traces then refer to the sources of the application.
  process.setSourceMapsEnabled(true);
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
