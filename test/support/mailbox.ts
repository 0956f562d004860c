/** What comes from elsewhere, kept until a test asks for it. */

// From the module, not the global: it guards tests with a fake clock, too.
import { clearTimeout, setTimeout } from 'node:timers';
import { PATIENCE_MS } from './wait.js';

export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  constructor(private readonly what: string) {}

  /** How many are here that nobody has taken. */
  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  /** The next one; rejects when none comes. */
  take(): Promise<T> {
    return new Promise((resolve, reject) => {
      const item = this.#items.shift();
      if (item !== undefined) {
        resolve(item);
        return;
      }
      const guard = setTimeout(() => reject(new Error(`${this.what} did not come`)), PATIENCE_MS);
      this.#takers.push((taken) => {
        clearTimeout(guard);
        resolve(taken);
      });
    });
  }
}
