/** Files as pages of one size, in IndexedDB or in memory. */

import { LimitError, SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';

/** Resolves when the transaction is written; rejects if nothing is written, e.g. without free space. */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('the browser aborted the transaction'));
  });
}

/** Bytes of a page. A change of few bytes rewrites a page, and a file of 1 GiB has 4096 pages. */
export const PAGE_BYTES = 256 * 1024;

export interface FileEntry {
  /** Size of the file in bytes. */
  size: number;
  /** Whether the file is visible in its folder. An invisible one does not outlive its web page. */
  kept: boolean;
}

export interface PageChange {
  entry: FileEntry;
  /** By index; the last page of a file can be shorter. The bytes must not change before they are written. */
  pages: ReadonlyMap<number, Uint8Array>;
  /** Removes the pages from this index on. */
  end?: number;
  /** Whether the write survives a power failure. */
  durable: boolean;
}

/** All methods reject with SipPushError. */
export interface PageStore {
  entries(): Promise<Map<string, FileEntry>>;
  /** Undefined if there is no such file. */
  entry(name: string): Promise<FileEntry | undefined>;
  /** Undefined for a page that was never written, which reads as zeros. Rejects if there is no such file. */
  read(name: string, index: number): Promise<Uint8Array | undefined>;
  /** Writes everything or nothing. */
  write(name: string, change: PageChange): Promise<void>;
  /** Does nothing if there is no such file. */
  remove(name: string): Promise<void>;
  close(): void;
}

/** Bytes of all files in memory together. Browsers end a page with some hundred MiB. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Bytes of all folders and spools of this web page. */
let usedBytes = 0;

interface MemoryFile {
  entry: FileEntry;
  pages: Map<number, Uint8Array>;
}

export class MemoryPages implements PageStore {
  readonly #files = new Map<string, MemoryFile>();

  async entries(): Promise<Map<string, FileEntry>> {
    return new Map(Array.from(this.#files, ([name, { entry }]) => [name, entry]));
  }

  async entry(name: string): Promise<FileEntry | undefined> {
    return this.#files.get(name)?.entry;
  }

  async read(name: string, index: number): Promise<Uint8Array | undefined> {
    const file = this.#files.get(name);
    if (!file) throw new SipPushError(`the file ${name} was removed`);
    return file.pages.get(index);
  }

  async write(name: string, { entry, pages, end }: PageChange): Promise<void> {
    const before = this.#files.get(name)?.pages ?? new Map<number, Uint8Array>();
    const after = new Map([...before, ...pages]);
    for (const index of after.keys()) if (end !== undefined && index >= end) after.delete(index);
    const more = bytesOf(after) - bytesOf(before);
    if (more > 0 && usedBytes + more > MAX_BYTES) {
      throw new LimitError(
        `files in memory exceed ${MAX_BYTES / 1024 / 1024} MiB: set "data" to use the browser's storage`,
      );
    }
    usedBytes += more;
    for (const [index, bytes] of pages) if (after.has(index)) after.set(index, bytes.slice());
    this.#files.set(name, { entry, pages: after });
  }

  async remove(name: string): Promise<void> {
    usedBytes -= bytesOf(this.#files.get(name)?.pages ?? new Map());
    this.#files.delete(name);
  }

  close(): void {
    for (const name of [...this.#files.keys()]) void this.remove(name);
  }
}

function bytesOf(pages: ReadonlyMap<number, Uint8Array>): number {
  return Array.from(pages.values()).reduce((sum, { length }) => sum + length, 0);
}

const ENTRIES = 'entries';
const PAGES = 'pages';

/**
 * Files in IndexedDB. In the origin private file system, data that a page writes becomes visible when the file is closed,
 * opening it copies the whole file, and nothing reports that data is on disk.
 */
export class IndexedPages implements PageStore {
  private constructor(private readonly db: IDBDatabase) {}

  /** @param folder name of the database. @throws SipPushError */
  static async open(folder: string): Promise<IndexedPages> {
    return await usable(async () => {
      const opening = indexedDB.open(`sip-push files ${folder}`, 1);
      opening.onupgradeneeded = () => {
        opening.result.createObjectStore(ENTRIES);
        opening.result.createObjectStore(PAGES);
      };
      return new IndexedPages(await result(opening));
    });
  }

  async entries(): Promise<Map<string, FileEntry>> {
    return await usable(async () => {
      const store = this.db.transaction(ENTRIES).objectStore(ENTRIES);
      const [names, entries] = await Promise.all([
        result(store.getAllKeys()),
        result<FileEntry[]>(store.getAll()),
      ]);
      return new Map(entries.map((entry, index) => [String(names[index]), entry]));
    });
  }

  async entry(name: string): Promise<FileEntry | undefined> {
    return await usable(() =>
      result<FileEntry | undefined>(this.db.transaction(ENTRIES).objectStore(ENTRIES).get(name)),
    );
  }

  async read(name: string, index: number): Promise<Uint8Array | undefined> {
    return await usable(async () => {
      const transaction = this.db.transaction([ENTRIES, PAGES]);
      const [count, page] = await Promise.all([
        result(transaction.objectStore(ENTRIES).count(name)),
        result<Uint8Array | undefined>(transaction.objectStore(PAGES).get([name, index])),
      ]);
      if (count === 0) throw new SipPushError(`the file ${name} was removed`);
      return page;
    });
  }

  write(name: string, { entry, pages, end, durable }: PageChange): Promise<void> {
    return this.#change(durable, (entries, stored) => {
      entries.put(entry, name);
      for (const [index, bytes] of pages) stored.put(bytes, [name, index]);
      if (end !== undefined) stored.delete(from(name, end));
    });
  }

  remove(name: string): Promise<void> {
    return this.#change(false, (entries, stored) => {
      entries.delete(name);
      stored.delete(from(name, 0));
    });
  }

  close(): void {
    this.db.close();
  }

  async #change(
    durable: boolean,
    change: (entries: IDBObjectStore, pages: IDBObjectStore) => void,
  ): Promise<void> {
    await usable(async () => {
      const durability = durable ? 'strict' : 'relaxed';
      const transaction = this.db.transaction([ENTRIES, PAGES], 'readwrite', { durability });
      const done = committed(transaction);
      try {
        change(transaction.objectStore(ENTRIES), transaction.objectStore(PAGES));
        transaction.commit();
      } catch (error) {
        transaction.abort();
        await done.catch(() => {});
        throw error;
      }
      await done;
    });
  }
}

/** All pages of a file from an index on. In the order of keys, an array is greater than every number. */
function from(name: string, index: number): IDBKeyRange {
  return IDBKeyRange.bound([name, index], [name, []]);
}

async function usable<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof SipPushError) throw error;
    throw new SipPushError(`files cannot be stored: ${reasonOf(error)}`, { cause: error });
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('unknown error of IndexedDB'));
  });
}
