/** Waits of any number of callers for one event, each with a signal and a deadline. */

export interface WaitDeadline {
  milliseconds: number;
  /** The error at the deadline. */
  late(): Error;
}

export class Waiters<T> {
  readonly #waiting = new Set<{ resolve(value: T): void; reject(reason: unknown): void }>();

  /** @throws the error of `reject` or of the deadline, or the reason of the signal. */
  wait(signal: AbortSignal | undefined, deadline?: WaitDeadline): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(waiting);
        settle();
      };
      const waiting = {
        resolve: (value: T) => end(() => resolve(value)),
        reject: (reason: unknown) => end(() => reject(reason)),
      };
      const abort = () => waiting.reject(signal?.reason);
      const timer = deadline && setTimeout(() => waiting.reject(deadline.late()), deadline.milliseconds);
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
