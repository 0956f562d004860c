/**
 * The durable store of browsers over IndexedDB alone. A host keys its store by text, and reads and writes bytes;
 * abstract-level, which browser-level is written on, is many times what that takes. What either has written, both read.
 */

type Key = Uint8Array<ArrayBuffer>;
type Entry = [key: string, value: Uint8Array];

interface Operation<K> {
  type: 'put' | 'del';
  key: K;
  value?: Uint8Array;
}

/** Entries that an iterator reads at a time. */
const READ_AHEAD = 1000;

/** As much of browser-level's interface as `core/platform/browser/store.ts` and the runtime ask for. */
export class BrowserLevel {
  status: 'open' | 'closed' = 'closed';
  readonly #name: string;
  #db: IDBDatabase | undefined;

  constructor(
    readonly location: string,
    { prefix }: { prefix: string },
  ) {
    this.#name = prefix + location;
  }

  get db(): IDBDatabase {
    if (!this.#db || this.status === 'closed') throw new Error('Database is not open');
    return this.#db;
  }

  async open(): Promise<void> {
    if (this.status === 'open') return;
    await this._open();
    this.status = 'open';
  }

  async close(): Promise<void> {
    if (this.status === 'closed') return;
    await this._close();
    this.status = 'closed';
  }

  async _open(): Promise<void> {
    const opening = indexedDB.open(this.#name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(this.location);
    this.#db = await result(opening);
  }

  /** What is under way goes on to its end. */
  async _close(): Promise<void> {
    this.#db?.close();
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return await result<Uint8Array | undefined>(this.#records().get(encode(key)));
  }

  async batch(operations: readonly Operation<string>[], options: { sync?: boolean }): Promise<void> {
    const encoded = operations.map((operation) => ({ ...operation, key: encode(operation.key) }));
    await this._batch(encoded, options);
  }

  /** Overridden: see `core/platform/browser/store.ts`. */
  async _batch(_operations: readonly Operation<Key>[], _options: { sync?: boolean }): Promise<void> {}

  async *iterator({ gt = '', gte = gt }: { gt?: string; gte?: string }): AsyncGenerator<Entry> {
    let range = IDBKeyRange.lowerBound(encode(gte), gte === gt && gt !== '');
    for (;;) {
      const records = this.#records();
      const [keys, values] = await Promise.all([
        result<IDBValidKey[]>(records.getAllKeys(range, READ_AHEAD)),
        result<Uint8Array[]>(records.getAll(range, READ_AHEAD)),
      ]);
      for (const [index, value] of values.entries()) yield [decode(keys[index]), value];
      const last = keys.at(-1);
      if (last === undefined || keys.length < READ_AHEAD) return;
      range = IDBKeyRange.lowerBound(last, true);
    }
  }

  #records(): IDBObjectStore {
    return this.db.transaction(this.location).objectStore(this.location);
  }
}

function encode(key: string): Key {
  return new TextEncoder().encode(key);
}

function decode(key: unknown): string {
  return new TextDecoder().decode(key instanceof ArrayBuffer ? key : undefined);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the browser does not say why'));
  });
}
