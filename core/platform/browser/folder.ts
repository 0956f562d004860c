/** Folders in the browser's storage. One page at a time can use a folder. */

import { ConfigurationError, SipPushError } from '../../errors.js';
import type { Folder, NewFile, OpenFile, StoredFile } from '../files.js';
import type { Platform } from '../platform.js';
import { IndexedPages, MemoryPages, type PageStore } from './page-store.js';
import { fileStream, PagedFile } from './paged-file.js';

/** Time for a closed or reloaded page to release its lock, in milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * Locks a folder, unless the browser has no locks (a page from neither https nor localhost).
 * @returns a function that releases the lock. The end of the page releases it as well.
 * @throws ConfigurationError if another page has the lock.
 */
export async function holdFolder(folder: string): Promise<() => void> {
  // Undefined on an insecure page, contrary to its type.
  const locks: LockManager | undefined = navigator.locks;
  if (!locks) return () => {};
  return await new Promise((resolve, reject) => {
    locks
      .request(
        `sip-push ${folder}`,
        { signal: AbortSignal.timeout(PATIENCE_MS) },
        () => new Promise<void>((release) => resolve(release)),
      )
      .catch(() => {
        reject(
          new ConfigurationError(`the store in ${folder} is open in another page; give each host a folder`),
        );
      });
  });
}

export const openFolder: Platform['openFolder'] = async (path) => {
  if (path === undefined) return new PagedFolder('memory', new MemoryPages());
  const store = await IndexedPages.open(path);
  for (const [name, { kept }] of await store.entries()) if (!kept) await store.remove(name);
  return new PagedFolder(path, store);
};

class PagedFolder implements Folder {
  /** Files being written, with data that is not in the store yet. */
  readonly #written = new Map<string, PagedFile>();

  constructor(
    private readonly folder: string,
    private readonly store: PageStore,
  ) {}

  async list(): Promise<{ name: string; size: number }[]> {
    const entries = [...(await this.store.entries())];
    return entries.flatMap(([name, { size, kept }]) =>
      kept ? [{ name, size: this.#written.get(name)?.size ?? size }] : [],
    );
  }

  async create(name: string): Promise<NewFile> {
    const file = await this.#write(name, false);
    return {
      append: (bytes) => file.write([bytes], file.size),
      keep: async () => {
        await file.flush(true);
        await this.#end(name, file);
      },
      discard: async () => {
        await this.remove(name).catch(() => {});
      },
    };
  }

  async edit(name: string): Promise<OpenFile> {
    const file = await this.#write(name, true);
    return {
      size: file.size,
      write: (chunks, at) => file.write(chunks, at),
      read: (at, length) => file.read(at, length),
      truncate: (size) => file.truncate(size),
      sync: () => file.flush(),
      close: () => this.#end(name, file),
    };
  }

  async open(name: string): Promise<StoredFile> {
    const entry = await this.store.entry(name);
    if (!entry?.kept) throw new ConfigurationError(`${this.path(name)} does not exist`);
    const size = this.#written.get(name)?.size ?? entry.size;
    const stored = new PagedFile(this.store, name, { size, kept: true }, true);
    const read = (at: number, length: number) => (this.#written.get(name) ?? stored).read(at, length);
    return { size, open: (range) => fileStream(read, size, range) };
  }

  async remove(name: string): Promise<void> {
    this.path(name);
    const file = this.#written.get(name);
    this.#written.delete(name);
    await file?.abandon();
    await this.store.remove(name);
  }

  path(name: string): string {
    if (!/^[0-9A-Za-z]+$/.test(name))
      throw new SipPushError(`invalid file name "${name}": expected letters and digits`);
    return `${this.folder}/${name}`;
  }

  async close(): Promise<void> {
    this.store.close();
  }

  async #write(name: string, kept: boolean): Promise<PagedFile> {
    this.path(name);
    const known = await this.store.entry(name);
    if (this.#written.has(name) || (known && !kept)) {
      throw new SipPushError(`cannot create the file ${name}: it exists already`);
    }
    const file = new PagedFile(this.store, name, known ?? { size: 0, kept }, true);
    this.#written.set(name, file);
    // Creates the file, and fails if there is no space.
    await file.flush(kept).catch(async (error: unknown) => {
      this.#written.delete(name);
      throw error;
    });
    return file;
  }

  async #end(name: string, file: PagedFile): Promise<void> {
    try {
      await file.close();
    } finally {
      if (this.#written.get(name) === file) this.#written.delete(name);
    }
  }
}
