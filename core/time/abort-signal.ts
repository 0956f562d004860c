/** Waits that an `AbortSignal` ends. */

import { Timer } from './clock.js';

/** Resolves after this time; rejects with the reason of the signal. */
export async function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const alarm = new Timer();
  const over = new Promise<void>((resolve) => alarm.set(milliseconds, resolve));
  await unlessAborted(over, signal).finally(() => alarm.clear());
}

/** Settles as the promise does; rejects with the reason of the signal if it is aborted before. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    // `aborted` comes first, so that it wins over a promise that has settled.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Aborts with the first of its sources, until it is released. Not `AbortSignal.any`: in Node.js 20, a source keeps an entry
 * for each signal that was derived from it for as long as it lives, and the signal of an agent lives as long as the process.
 */
export class LinkedSignal {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];

  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined);
    for (const source of this.#sources) source.addEventListener('abort', this.#abort);
    if (this.#sources.some(({ aborted }) => aborted)) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Removes it from its sources. Whether it is aborted does not change any more. */
  release(): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    this.#controller.abort(this.#sources.find(({ aborted }) => aborted)?.reason);
    this.release();
  };
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
