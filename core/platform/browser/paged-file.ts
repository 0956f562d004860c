/** A file in pages, which is written in any order and can be read at the same time. */

import { SipPushError } from '../../errors.js';
import type { FileRange } from '../files.js';
import { type FileEntry, PAGE_BYTES, type PageStore } from './page-store.js';

/** Changed pages before they are written to the store together. */
const OPEN_PAGES = 4;

/** Reads at most `length` bytes from an offset. */
export type ReadAt = (at: number, length: number) => Promise<Uint8Array>;

export class PagedFile {
  /** Changed pages that are not in the store yet. */
  readonly #dirty = new Map<number, Uint8Array>();
  #size: number;
  #kept: boolean;
  #closed = false;
  /** The last change; changes run one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: PageStore,
    private readonly name: string,
    { size, kept }: FileEntry,
    /** Whether writes survive a power failure. */
    private readonly durable: boolean,
  ) {
    this.#size = size;
    this.#kept = kept;
  }

  get size(): number {
    return this.#size;
  }

  /** Writes the chunks one after another from the offset `at`. */
  write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    return this.#inTurn(async () => {
      let position = at;
      for (const chunk of chunks) {
        for (let written = 0; written < chunk.length; ) {
          const index = Math.floor(position / PAGE_BYTES);
          const start = position % PAGE_BYTES;
          const part = chunk.subarray(written, written + PAGE_BYTES - start);
          (await this.#writable(index, part.length)).set(part, start);
          written += part.length;
          position += part.length;
          this.#size = Math.max(this.#size, position);
        }
      }
    });
  }

  /** Reads at most `length` bytes; fewer, or none, at the end of the file. */
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
      // Cut the last page, so that old bytes do not reappear when the file grows.
      if (size % PAGE_BYTES > 0) (await this.#writable(end - 1, 0)).fill(0, size % PAGE_BYTES);
      await this.#flush(end);
    });
  }

  /** Writes all changes to the store. @param kept whether the file becomes visible in its folder. */
  flush(kept = this.#kept): Promise<void> {
    return this.#inTurn(async () => {
      this.#kept = kept;
      await this.#flush();
    });
  }

  /** Ends the access. Rejects if earlier data could not be written. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#closed = true;
    }
  }

  /** Ends the access without writing the changes. */
  abandon(): Promise<unknown> {
    this.#closed = true;
    this.#dirty.clear();
    return this.#turn;
  }

  async #page(index: number): Promise<Uint8Array | undefined> {
    return this.#dirty.get(index) ?? (await this.store.read(this.name, index));
  }

  /** The whole page, for an immediate change. @param bytes the number of bytes that will be written. */
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
    // A view is stored with its whole buffer, so the last page is copied.
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
    if (this.#closed) throw new SipPushError(`cannot use the file ${this.name}: it is closed`);
  }
}

/** A range of a file of `size` bytes, page by page. Errors if the file became shorter. */
export function fileStream(read: ReadAt, size: number, { start, end }: FileRange = { start: 0 }) {
  const behind = Math.min(end ?? size - 1, size - 1) + 1;
  let at = start;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const length = Math.min(PAGE_BYTES - (at % PAGE_BYTES), behind - at);
        if (length <= 0) return controller.close();
        const bytes = await read(at, length);
        if (bytes.length < length) throw new SipPushError('the file became shorter while it was read');
        at += length;
        controller.enqueue(bytes);
      },
    },
    { highWaterMark: 0 },
  );
}
