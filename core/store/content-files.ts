/** The files of transfers, with the limit of their sizes together. The store has the owner of each file. */

import { platform } from '#platform';
import { type Content, type MediaType, storedContent } from '../content/content.js';
import type { InjectionToken } from '../injection.js';
import { type LogSink, safeLogSink } from '../log.js';
import type { Folder, OpenFile } from '../platform/files.js';
import { reasonOf } from '../text.js';
import { StoreError } from './records.js';

/** Random bytes of a file name: names never repeat. */
const NAME_BYTES = 16;

interface ContentFile {
  bytes: number;
  users: number;
  /** To be deleted when it is no longer used. */
  removed: boolean;
}

export class ContentFiles {
  readonly #files = new Map<string, ContentFile>();
  /** Work in the background, for which `close` waits. */
  readonly #ends = new Set<Promise<void>>();
  #folder: Promise<Folder> | undefined;
  #bytes = 0;

  /** @param path of the folder. Absent: a temporary folder, which is created at its first use. */
  constructor(
    private readonly path: string | undefined,
    private readonly limits: { readonly transferBytes: number },
    private readonly log: LogSink = safeLogSink(undefined),
  ) {}

  /** At start: removes files that are not in `named`. Rejects when the folder cannot be used. */
  async clean(named: ReadonlySet<string>): Promise<void> {
    if (this.path === undefined) return;
    const folder = await this.#open();
    for (const { name, size } of await folder.list()) {
      if (named.has(name)) this.reserve(name, size, Number.POSITIVE_INFINITY);
      else await folder.remove(name);
    }
  }

  newName(): string {
    return platform.randomHex(NAME_BYTES);
  }

  /** Reserves a number of bytes for the file. False, without effect, when all files together would exceed the limit. */
  reserve(name: string, bytes: number, most = this.limits.transferBytes): boolean {
    const known = this.#files.get(name);
    const sum = this.#bytes - (known?.bytes ?? 0) + bytes;
    if (sum > most && bytes > (known?.bytes ?? 0)) return false;
    this.#bytes = sum;
    if (known) known.bytes = bytes;
    else this.#files.set(name, { bytes, users: 0, removed: false });
    return true;
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  inUse(name: string): boolean {
    return (this.#files.get(name)?.users ?? 0) > 0;
  }

  /** Opens the file for writing, and creates it if it is missing. Its methods reject with StoreError when the disk fails. */
  async edit(name: string): Promise<OpenFile> {
    const file = await stored(this.#open().then((folder) => folder.edit(name)));
    return {
      size: file.size,
      write: (chunks, at) => stored(file.write(chunks, at)),
      read: (at, length) => stored(file.read(at, length)),
      truncate: (size) => stored(file.truncate(size)),
      sync: () => stored(file.sync()),
      close: () => stored(file.close()),
    };
  }

  /** Undefined when the file is missing or has another size. */
  async content(type: MediaType, name: string, size: number): Promise<Content | undefined> {
    if (!this.#files.has(name)) return undefined;
    const file = await (await this.#open()).open(name);
    return file.size === size ? storedContent(type, file) : undefined;
  }

  /** Prevents the removal of the file until the returned function is called. */
  use(name: string): () => Promise<void> {
    const file = this.#files.get(name);
    if (!file) return async () => {};
    file.users++;
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      if (--file.users === 0 && file.removed) await this.background(this.#delete(name, file));
    };
  }

  /** Removes the file when it is no longer used. Never rejects: a file that stays is removed at the next start. */
  async remove(name: string): Promise<void> {
    const file = this.#files.get(name);
    if (!file || file.removed) return;
    file.removed = true;
    if (file.users === 0) await this.#delete(name, file);
  }

  /** Lets `close` wait for work in the background, which must not reject. */
  background(end: Promise<void>): Promise<void> {
    const tracked = end.finally(() => this.#ends.delete(tracked));
    this.#ends.add(tracked);
    return tracked;
  }

  /** Resolves when the work in the background has ended and the folder is closed. */
  async close(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
    await (await this.#folder)?.close();
  }

  async #delete(name: string, file: ContentFile): Promise<void> {
    try {
      await (await this.#open()).remove(name);
    } catch (error) {
      this.log({ level: 'warn', message: `a file of a transfer cannot be removed: ${reasonOf(error)}` });
    }
    this.#files.delete(name);
    this.#bytes -= file.bytes;
  }

  #open(): Promise<Folder> {
    this.#folder ??= platform.openFolder(this.path).catch((error: unknown) => {
      this.#folder = undefined;
      throw error;
    });
    return this.#folder;
  }
}

async function stored<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new StoreError(reasonOf(error), { cause: error });
  }
}

export const CONTENT_FILES: InjectionToken<ContentFiles> = Symbol('content files');
