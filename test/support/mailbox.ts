/** A queue of items from elsewhere, kept until a test reads them. */

// Imported from the module, so that fake timers do not stop the deadline.
import { clearTimeout, setTimeout } from 'node:timers';
import { PATIENCE_MS } from './wait.js';

export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  constructor(private readonly what: string) {}

  /** Number of unread items. */
  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(item);
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
      this.#takers.push((taken) => {
        clearTimeout(guard);
        resolve(taken);
      });
    });
  }
}
