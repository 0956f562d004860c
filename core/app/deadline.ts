/** Calls into other people's code: whatever they throw is a rejection, and none is waited for without end. */

import { TimeoutError } from '../errors.js';
import type { Clock } from './clock.js';

/** The result of `call`; a synchronous throw, or a thenable that misbehaves, is a rejection. */
export function invoke<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

/**
 * Settles as the promise does, or rejects after `milliseconds`.
 *
 * @param late the error to reject with, or what is waited for: a TimeoutError then names it.
 */
export function within<T>(
  clock: Clock,
  milliseconds: number,
  late: Error | string,
  promise: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () =>
      reject(
        typeof late === 'string'
          ? new TimeoutError(`${late} did not end within ${milliseconds / 1000} s`)
          : late,
      ),
    );
    promise.then(resolve, reject).finally(cancel);
  });
}

/** For a promise given to an application: one that it forgets to await must not end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
