/** Worker threads: the end of the thread that starts them. */

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ConfigurationError, LimitError, SipPushError } from '../../errors.js';
import { asError, reasonOf } from '../../text.js';
import type { Platform } from '../platform.js';
import type { WorkerThread } from '../threads.js';
import { errorCode } from './failure.js';
import { HOST_PORT } from './parent-port.js';

const MEBIBYTE = 1024 * 1024;

export const startWorker: Platform['startWorker'] = (script, { name, heap }) => {
  // The worker's `parentPort` is open to the application.
  const { port1: port, port2 } = new MessageChannel();
  try {
    const worker = new Worker(script, {
      name,
      // The host's own standard output can be machine-readable.
      stdout: true,
      stderr: true,
      workerData: { [HOST_PORT]: port2 },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heap / MEBIBYTE) },
    });
    return threadOf(worker, port);
  } catch (error) {
    port.close();
    throw new ConfigurationError(`invalid worker script ${script}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};

function threadOf(worker: Worker, port: MessagePort): WorkerThread {
  let failure: unknown;
  const thread: WorkerThread = {
    onmessage: () => {},
    onend: () => {},
    onoutput: () => {},
    post: (message, transfer) => port.postMessage(message, transfer),
    keepsProcess(yes) {
      for (const handle of [worker, port]) {
        if (yes) handle.ref();
        else handle.unref();
      }
    },
    end: () => void worker.terminate(),
    processMemory: () => process.memoryUsage.rss(),
  };
  port.on('message', (message) => thread.onmessage(message));
  // The error stands for the message, so that the owner rejects it.
  port.on('messageerror', (error) => thread.onmessage(error));
  worker.on('error', (error) => {
    failure = error;
  });
  worker.on('exit', (code) => {
    // What the worker posted before its end.
    for (let left = receiveMessageOnPort(port); left; left = receiveMessageOnPort(port))
      thread.onmessage(left.message);
    port.close();
    thread.onend(reasonOfEnd(failure, code));
  });
  for (const output of [worker.stdout, worker.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => thread.onoutput(text));
  }
  return thread;
}

function reasonOfEnd(failure: unknown, code: number): Error {
  if (failure === undefined) return new SipPushError(`exit code ${code}`);
  if (errorCode(failure) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new LimitError('the heap of the worker reached its limit', { cause: failure });
  }
  return asError(failure);
}
