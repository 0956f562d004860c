/** Waits of any number of callers for one event, each with a deadline and a signal. */

export class Waiters<T> {
  readonly #waiting = new Set<{ resolve(value: T): void; reject(reason: unknown): void }>();

  /**
   * @param late the error after `milliseconds`.
   * @throws that error, the error of `reject`, or the reason of the signal.
   */
  wait(milliseconds: number, late: () => Error, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(deadline);
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(waiting);
        settle();
      };
      const waiting = {
        resolve: (value: T) => end(() => resolve(value)),
        reject: (reason: unknown) => end(() => reject(reason)),
      };
      const abort = () => waiting.reject(signal?.reason);
      const deadline = setTimeout(() => waiting.reject(late()), milliseconds);
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
    });
  }

  resolve(value: T): void {
    for (const waiting of [...this.#waiting]) waiting.resolve(value);
  }

  reject(reason: unknown): void {
    for (const waiting of [...this.#waiting]) waiting.reject(reason);
  }
}
