/** A queue of received items that a test reads one by one. */

// Imported from the module, so that fake timers do not stop the deadline.
import { clearTimeout, setTimeout } from 'node:timers';
import { PATIENCE_MS } from './wait.js';

export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #waiters: ((item: T) => void)[] = [];

  constructor(private readonly what: string) {}

  /** Number of unread items. */
  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    const waiter = this.#waiters.shift();
    if (waiter) waiter(item);
    else this.#items.push(item);
  }

  /** Resolves with the next item; rejects if none arrives in time. */
  take(): Promise<T> {
    return new Promise((resolve, reject) => {
      const item = this.#items.shift();
      if (item !== undefined) {
        resolve(item);
        return;
      }
      const guard = setTimeout(() => reject(new Error(`no ${this.what} arrived`)), PATIENCE_MS);
      this.#waiters.push((next) => {
        clearTimeout(guard);
        resolve(next);
      });
    });
  }
}
