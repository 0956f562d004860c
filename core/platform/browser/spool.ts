/** The spool: in the browser's storage, or in memory without a folder. */

import type { FileRange, Spool, SpoolFile } from '../files.js';
import type { Platform } from '../platform.js';
import { IndexedPages, MemoryPages, type PageStore } from './page-store.js';
import { fileStream, PagedFile } from './paged-file.js';

export const openSpool: Platform['openSpool'] = async (folder) => {
  if (folder === undefined) return new PagedSpool(new MemoryPages());
  const store = await IndexedPages.open(folder);
  // Files of an earlier page have no owner.
  for (const name of (await store.entries()).keys()) await store.remove(name);
  return new PagedSpool(store);
};

class PagedSpool implements Spool {
  readonly #names = new Set<string>();
  #count = 0;

  constructor(private readonly store: PageStore) {}

  create(): SpoolFile {
    const name = String(++this.#count);
    const file = new PagedFile(this.store, name, { size: 0, kept: false }, false);
    this.#names.add(name);
    return new PagedSpoolFile(file, async () => {
      this.#names.delete(name);
      await this.store.remove(name);
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#names, (name) => this.store.remove(name)));
    this.store.close();
  }
}

class PagedSpoolFile implements SpoolFile {
  constructor(
    private readonly file: PagedFile,
    private readonly onRemoved: () => Promise<void>,
  ) {}

  get size(): number {
    return this.file.size;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.file.write([bytes], this.file.size);
  }

  open(range?: FileRange): ReadableStream<Uint8Array> {
    return fileStream((at, length) => this.file.read(at, length), this.file.size, range);
  }

  clear(): Promise<void> {
    return this.file.truncate(0);
  }

  async close(): Promise<void> {}

  async remove(): Promise<void> {
    await this.file.abandon();
    await this.onRemoved();
  }
}
