/** What the runtime keeps in the durable store: reads, and writes in groups. */

import { SipPushError } from '../errors.js';
import type { Store } from '../platform/platform.js';

export type Write = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

/** The store did not do it: the disk is full, broken, or the store is closed. */
export class StoreError extends SipPushError {}

/** `synced` survives the loss of power, `written` the end of the process. Both are atomic, and in order. */
export type Durability = 'synced' | 'written';

interface Group {
  operations: Write[];
  synced: boolean;
  done: Promise<void>;
  settle(error?: StoreError): void;
}

export class Records {
  #next: Group | undefined;
  #writing = false;

  constructor(private readonly store: Store) {}

  /**
   * All of `operations`, or none. Those that come while a write is under way go to the disk together in the next
   * one: a sync costs the same for one push as for fifty.
   */
  write(operations: readonly Write[], durability: Durability): Promise<void> {
    this.#next ??= newGroup();
    const group = this.#next;
    for (const operation of operations) group.operations.push(operation);
    if (durability === 'synced') group.synced = true;
    if (!this.#writing) void this.#writeGroups();
    return group.done;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.store.get<string, Uint8Array>(key, { valueEncoding: 'view' });
    } catch (error) {
      throw storeError('read', error);
    }
  }

  /** Entries whose key begins with `prefix`, in order, those after `prefix + after` only; keys without the prefix. */
  async *entries(prefix: string, after?: string): AsyncGenerator<[key: string, value: Uint8Array]> {
    try {
      const from = after === undefined ? { gte: prefix } : { gt: prefix + after };
      const range = { ...from, valueEncoding: 'view' };
      for await (const [key, value] of this.store.iterator<string, Uint8Array>(range)) {
        if (!key.startsWith(prefix)) return;
        yield [key.slice(prefix.length), value];
      }
    } catch (error) {
      throw storeError('read', error);
    }
  }

  async #writeGroups(): Promise<void> {
    this.#writing = true;
    // What else is written in this turn of the event loop goes along.
    await undefined;
    for (let group = this.#next; group; group = this.#next) {
      this.#next = undefined;
      try {
        await this.store.batch<string, Uint8Array>(group.operations, {
          valueEncoding: 'view',
          sync: group.synced,
        });
        group.settle();
      } catch (error) {
        group.settle(storeError('write', error));
      }
    }
    this.#writing = false;
  }
}

function newGroup(): Group {
  let settle: Group['settle'] = () => {};
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve());
  });
  return { operations: [], synced: false, done, settle };
}

function storeError(what: 'read' | 'write', error: unknown): StoreError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(`the store does not ${what}: ${text}`, { cause: error });
}
