/** Waiting, for a time or for somebody, as long as a signal allows. */

import { Alarm } from './alarm.js';

/** Resolves after that time; rejects with the reason of the signal. */
export async function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const alarm = new Alarm();
  const over = new Promise<void>((resolve) => alarm.set(milliseconds, resolve));
  await unlessAborted(over, signal).finally(() => alarm.clear());
}

/** As the promise, unless the signal is aborted before: then it rejects with its reason. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    // An abort that came first is told first.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Resolves when the promise has settled, or after that time. */
export async function atMost(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  const deadline = new Alarm();
  const passed = new Promise<void>((resolve) => deadline.set(milliseconds, resolve));
  await Promise.race([promise.then(nothing, nothing), passed]).finally(() => deadline.clear());
}

function nothing(): void {}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
