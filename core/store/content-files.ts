/** The files of transfers, and how much they hold together. Who a file belongs to is in the store. */

import { platform } from '#platform';
import { type Content, type MediaType, storedContent } from '../content/content.js';
import type { InjectionToken } from '../injection.js';
import { type LogSink, safeLogSink } from '../log.js';
import type { Folder, OpenFile } from '../platform/files.js';
import { reasonOf } from '../text.js';
import { StoreError } from './records.js';

/** Bytes of a name: no two are ever the same. */
const NAME_BYTES = 16;

interface Kept {
  bytes: number;
  users: number;
  /** Goes when nobody uses it any more. */
  removed: boolean;
}

export class ContentFiles {
  readonly #files = new Map<string, Kept>();
  /** What nobody waits for, but `close`. */
  readonly #ends = new Set<Promise<void>>();
  #folder: Promise<Folder> | undefined;
  #bytes = 0;

  /** @param path of the folder; a temporary one, made when the first transfer comes, when absent. */
  constructor(
    private readonly path: string | undefined,
    private readonly limits: { readonly transferBytes: number },
    private readonly log: LogSink = safeLogSink(undefined),
  ) {}

  /** At the start: removes the files that nobody names. Rejects when the folder cannot be used. */
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

  /** Counts the file with so many bytes. False, and as it was, when all together would pass their limit. */
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

  /** Written in place; made where it is not there. Rejects, as the file does, with StoreError when the disk does not. */
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

  /** Undefined when there is no such file any more. */
  async content(type: MediaType, name: string, size: number): Promise<Content | undefined> {
    if (!this.#files.has(name)) return undefined;
    const file = await (await this.#open()).open(name);
    return file.size === size ? storedContent(type, file) : undefined;
  }

  /** It is not removed before the function that this returns was called. */
  use(name: string): () => Promise<void> {
    const file = this.#files.get(name);
    if (!file) return async () => {};
    file.users++;
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      if (--file.users === 0 && file.removed) await this.ends(this.#delete(name, file));
    };
  }

  /** As soon as nobody uses it. Never rejects: what stays is removed at the next start. */
  async remove(name: string): Promise<void> {
    const file = this.#files.get(name);
    if (!file || file.removed) return;
    file.removed = true;
    if (file.users === 0) await this.#delete(name, file);
  }

  /** For what ends a file's use and that nobody waits for, but `close`. It must not reject. */
  ends(end: Promise<void>): Promise<void> {
    const tracked = end.finally(() => this.#ends.delete(tracked));
    this.#ends.add(tracked);
    return tracked;
  }

  /** When every file is closed that is no longer used. */
  async close(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
    await (await this.#folder)?.close();
  }

  async #delete(name: string, file: Kept): Promise<void> {
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

export const CONTENT_FILES: InjectionToken<ContentFiles> = Symbol('transfer room');
