/** Files in memory: of a host that has no folder. */

import { LimitError, SipPushError } from '../../errors.js';
import type { FileEntry, PageChange, PageStore } from './page-store.js';

/** Bytes of all such files together. A page has some hundred MiB before the browser ends it. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Of every folder and spool of this page. */
let taken = 0;

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
    if (!file) throw new SipPushError(`the file ${name} is not there any more`);
    return file.pages.get(index);
  }

  async write(name: string, { entry, pages, end }: PageChange): Promise<void> {
    const before = this.#files.get(name)?.pages ?? new Map<number, Uint8Array>();
    const after = new Map([...before, ...pages]);
    for (const index of after.keys()) if (end !== undefined && index >= end) after.delete(index);
    const more = bytesOf(after) - bytesOf(before);
    if (more > 0 && taken + more > MAX_BYTES) {
      throw new LimitError(
        `more than ${MAX_BYTES / 1024 / 1024} MiB of files in memory; with "data" they are in the browser's storage`,
      );
    }
    taken += more;
    for (const [index, bytes] of pages) if (after.has(index)) after.set(index, bytes.slice());
    this.#files.set(name, { entry, pages: after });
  }

  async remove(name: string): Promise<void> {
    taken -= bytesOf(this.#files.get(name)?.pages ?? new Map());
    this.#files.delete(name);
  }

  close(): void {
    for (const name of [...this.#files.keys()]) void this.remove(name);
  }
}

function bytesOf(pages: ReadonlyMap<number, Uint8Array>): number {
  return Array.from(pages.values()).reduce((sum, { length }) => sum + length, 0);
}
