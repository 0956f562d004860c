/** Waits with a deadline. */

import { TimeoutError } from '../errors.js';
import { type Clock, Timer } from './clock.js';

/** Resolves when the promise has settled, or after this time. */
export async function atMost(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  const deadline = new Timer();
  const passed = new Promise<void>((resolve) => deadline.set(milliseconds, resolve));
  await Promise.race([promise.then(nothing, nothing), passed]).finally(() => deadline.clear());
}

function nothing(): void {}

/** The result of `call`; a synchronous throw, or a thenable that misbehaves, becomes a rejection. */
export function invoke<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

/**
 * Settles as the promise does, or rejects after `milliseconds`.
 * @param late the error to reject with, or the name of the operation for a TimeoutError.
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

/** For a promise that an application may forget to await: its rejection does not end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** `passed` resolves after `milliseconds`, unless it is cancelled. */
export interface Deadline {
  readonly passed: Promise<'late'>;
  cancel(): void;
}

export function deadline(clock: Clock, milliseconds: number): Deadline {
  let cancel = () => {};
  const passed = new Promise<'late'>((resolve) => {
    cancel = clock.after(milliseconds, () => resolve('late'));
  });
  return { passed, cancel };
}

/** Settles as the promise does, or resolves to `late` after `milliseconds`. */
export async function orLate<T>(
  clock: Clock,
  milliseconds: number,
  promise: Promise<T>,
): Promise<T | 'late'> {
  const { passed, cancel } = deadline(clock, milliseconds);
  return await Promise.race([promise, passed]).finally(cancel);
}
