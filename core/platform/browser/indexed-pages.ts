/**
 * Files in IndexedDB. Not in the origin private file system: what is written there by a page (no worker) is seen only
 * when it is closed, which copies all of it each time, and nothing there promises to be on disk.
 */

import { SipPushError } from '../../errors.js';
import { reasonText } from '../failure.js';
import { committed } from './committed.js';
import type { FileEntry, PageChange, PageStore } from './page-store.js';

const ENTRIES = 'entries';
const PAGES = 'pages';

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
      if (count === 0) throw new SipPushError(`the file ${name} is not there any more`);
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

/** All pages of a file from an index on: an array is greater than every number. */
function from(name: string, index: number): IDBKeyRange {
  return IDBKeyRange.bound([name, index], [name, []]);
}

async function usable<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof SipPushError) throw error;
    throw new SipPushError(`files cannot be kept: ${reasonText(error)}`, { cause: error });
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the browser does not say why'));
  });
}
