/** A store in memory: as much of memory-level as the runtime asks for. */

import type { Write } from '../../../core/store/records.js';

type Entry = [key: string, value: Uint8Array];

export class MemoryLevel {
  status: 'open' | 'closed' = 'closed';
  readonly #values = new Map<string, Uint8Array>();
  /** In order, once asked for; none since a key came or went. */
  #keys: string[] | undefined;

  async open(): Promise<void> {
    this.status = 'open';
  }

  async close(): Promise<void> {
    this.status = 'closed';
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#values.get(key);
  }

  async batch(operations: readonly Write[]): Promise<void> {
    for (const operation of operations) {
      const { type, key } = operation;
      if (this.#values.has(key) !== (type === 'put')) this.#keys = undefined;
      if (type === 'put') this.#values.set(key, operation.value);
      else this.#values.delete(key);
    }
  }

  /** The keys of one moment, however long reading takes. */
  async *iterator({ gt = '', gte = gt }: { gt?: string; gte?: string }): AsyncGenerator<Entry> {
    this.#keys ??= [...this.#values.keys()].sort();
    for (const key of this.#keys) {
      const value = this.#values.get(key);
      if (key >= gte && key !== gt && value) yield [key, value];
    }
  }
}
