/** Waiting, for a time or for a signal. */

/** Resolves after that time; rejects with the reason of the signal. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Resolves when `signal` is aborted; rejects with the reason of `patience` when that is aborted before. */
export function aborted(signal: AbortSignal, patience: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    patience.addEventListener('abort', () => reject(patience.reason), { once: true });
  });
}
