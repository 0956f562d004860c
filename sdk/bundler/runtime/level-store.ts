/**
 * The durable store over classic-level's native file alone. A host keys its store by text, and reads and writes bytes;
 * abstract-level, which classic-level is written on, is many times what that takes.
 */

import { createRequire } from 'node:module';
import type { Write } from '../../../core/store/records.js';

/** classic-level 3: what is used of binding.cc. Calls on a store that is closed, or closing, end the process there. */
interface Native {
  db_init(): object;
  db_open(store: object, folder: string, options: object): Promise<void>;
  db_close(store: object): Promise<void>;
  db_get(store: object, flags: number, key: string): Promise<Uint8Array | undefined>;
  batch_do(store: object, operations: readonly Write[], options: { sync?: boolean }): Promise<void>;
  iterator_init(store: object, state: Uint8Array, options: object): object;
  iterator_nextv(iterator: object, count: number): Promise<Entry[]>;
  iterator_close(iterator: object): void;
}

type Entry = [key: string, value: Uint8Array];

/** Of `db_get`: keep it in the cache, give the value as bytes. */
const GET_FLAGS = 1 | 4;
/** Entries that an iterator reads at a time. */
const READ_AHEAD = 1000;
/** Of an iterator's state. */
const ENDED = 1;

const native: Native = createRequire(import.meta.url)('./classic-level.node');

/** As much of abstract-level's interface as the runtime asks for. */
export class ClassicLevel {
  status: 'open' | 'closing' | 'closed' = 'closed';
  readonly #store = native.db_init();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #iterators = new Set<object>();

  constructor(private readonly folder: string) {}

  async open(): Promise<void> {
    if (this.status === 'open') return;
    await native.db_open(this.#store, this.folder, {});
    this.status = 'open';
  }

  async close(): Promise<void> {
    if (this.status !== 'open') return;
    this.status = 'closing';
    await Promise.allSettled(this.#underWay);
    for (const iterator of this.#iterators) native.iterator_close(iterator);
    this.#iterators.clear();
    await native.db_close(this.#store);
    this.status = 'closed';
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#do(() => native.db_get(this.#store, GET_FLAGS, key));
  }

  batch(operations: readonly Write[], options: { sync?: boolean }): Promise<void> {
    return this.#do(() => native.batch_do(this.#store, operations, options));
  }

  async *iterator(range: object): AsyncGenerator<Entry> {
    const state = new Uint8Array(1);
    const iterator = await this.#do(async () => {
      const opened = native.iterator_init(this.#store, state, { ...range, keyEncoding: 'utf8' });
      this.#iterators.add(opened);
      return opened;
    });
    try {
      while (!((state[0] ?? 0) & ENDED)) {
        yield* await this.#do(() => native.iterator_nextv(iterator, READ_AHEAD));
      }
    } finally {
      if (this.#iterators.delete(iterator)) native.iterator_close(iterator);
    }
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    if (this.status !== 'open') throw new Error('Database is not open');
    const result = work();
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }
}
