/** One file in pages: written in any order, read meanwhile. */

import { SipPushError } from '../../errors.js';
import type { FileRange } from '../files.js';
import { type FileEntry, PAGE_BYTES, type PageStore } from './page-store.js';

/** Pages that are written to before they go to the store, together. */
const OPEN_PAGES = 4;

/** What reads a file: at most so many bytes from there on. */
export type ReadAt = (at: number, length: number) => Promise<Uint8Array>;

export class PagedFile {
  /** Not in the store yet. */
  readonly #dirty = new Map<number, Uint8Array>();
  #size: number;
  #kept: boolean;
  #closed = false;
  /** Changes come one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: PageStore,
    private readonly name: string,
    { size, kept }: FileEntry,
    /** What is written goes to the disk over a loss of power. */
    private readonly durable: boolean,
  ) {
    this.#size = size;
    this.#kept = kept;
  }

  get size(): number {
    return this.#size;
  }

  /** One behind the other, the first at `at`. */
  write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    return this.#inTurn(async () => {
      let position = at;
      for (const chunk of chunks) {
        for (let taken = 0; taken < chunk.length; ) {
          const index = Math.floor(position / PAGE_BYTES);
          const start = position % PAGE_BYTES;
          const part = chunk.subarray(taken, taken + PAGE_BYTES - start);
          (await this.#writable(index, part.length)).set(part, start);
          taken += part.length;
          position += part.length;
          this.#size = Math.max(this.#size, position);
        }
      }
    });
  }

  /** At most `length` bytes; fewer, or none, at the end of the file. */
  async read(at: number, length: number): Promise<Uint8Array> {
    this.#requireOpen();
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#size - at)));
    for (let done = 0; done < bytes.length; ) {
      const position = at + done;
      const start = position % PAGE_BYTES;
      const part = Math.min(PAGE_BYTES - start, bytes.length - done);
      const page = await this.#page(Math.floor(position / PAGE_BYTES));
      if (page) bytes.set(page.subarray(start, start + part), done);
      done += part;
    }
    return bytes;
  }

  truncate(size: number): Promise<void> {
    return this.#inTurn(async () => {
      const end = Math.ceil(size / PAGE_BYTES);
      for (const index of [...this.#dirty.keys()]) if (index >= end) this.#dirty.delete(index);
      this.#size = size;
      // What stays of the last page must not come back when the file grows again.
      if (size % PAGE_BYTES > 0) (await this.#writable(end - 1, 0)).fill(0, size % PAGE_BYTES);
      await this.#flush(end);
    });
  }

  /** Nothing of it is left here. @param kept whether it is seen in the folder from now on. */
  flush(kept = this.#kept): Promise<void> {
    return this.#inTurn(async () => {
      this.#kept = kept;
      await this.#flush();
    });
  }

  /** Nothing is written or read any more. Rejects when what was written before could not be. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#closed = true;
    }
  }

  /** Without writing what was not. */
  abandon(): Promise<unknown> {
    this.#closed = true;
    this.#dirty.clear();
    return this.#turn;
  }

  async #page(index: number): Promise<Uint8Array | undefined> {
    return this.#dirty.get(index) ?? (await this.store.read(this.name, index));
  }

  /** The page, whole, to be changed at once. @param bytes that are about to be written into it. */
  async #writable(index: number, bytes: number): Promise<Uint8Array> {
    const known = this.#dirty.get(index);
    if (known) return known;
    if (this.#dirty.size >= OPEN_PAGES) await this.#flush();
    const page = new Uint8Array(PAGE_BYTES);
    const isNew = index * PAGE_BYTES >= this.#size;
    if (!isNew && bytes < PAGE_BYTES) page.set((await this.store.read(this.name, index)) ?? []);
    this.#dirty.set(index, page);
    return page;
  }

  async #flush(end?: number): Promise<void> {
    const size = this.#size;
    // A part of a buffer is stored with the whole buffer: the last page is cut.
    const pages = new Map(
      Array.from(this.#dirty, ([index, page]) => [index, page.slice(0, size - index * PAGE_BYTES)]),
    );
    const change = { entry: { size, kept: this.#kept }, pages, durable: this.durable };
    await this.store.write(this.name, end === undefined ? change : { ...change, end });
    this.#dirty.clear();
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      this.#requireOpen();
      return task();
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  #requireOpen(): void {
    if (this.#closed) throw new SipPushError(`files cannot be kept: ${this.name} is closed`);
  }
}

/** Part of a file of `size` bytes, page by page. Errors when it has become shorter. */
export function fileStream(read: ReadAt, size: number, { start, end }: FileRange = { start: 0 }) {
  const behind = Math.min(end ?? size - 1, size - 1) + 1;
  let at = start;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const length = Math.min(PAGE_BYTES - (at % PAGE_BYTES), behind - at);
        if (length <= 0) return controller.close();
        const bytes = await read(at, length);
        if (bytes.length < length) throw new SipPushError('the file has become shorter while it was read');
        at += length;
        controller.enqueue(bytes);
      },
    },
    { highWaterMark: 0 },
  );
}
