/** The files of transfers, with the limit of their sizes together, and shares of it. The store has the owner of each file. */

import { platform } from '#platform';
import { type Content, type MediaType, storedContent } from '../content/content.js';
import type { InjectionToken } from '../injection.js';
import { type LogSink, safeLogSink } from '../log.js';
import type { Folder, OpenFile } from '../platform/files.js';
import { reasonOf } from '../text.js';
import { StoreError, shareOf } from './records.js';

/** Random bytes of a file name: names never repeat. */
const NAME_BYTES = 16;

/** Whose content a file holds. Each application, and each sender, has a share of the bytes. */
export interface FileOwners {
  /** event-app-id. */
  readonly app: string;
  /** Asserted identity of the sender. */
  readonly from: string;
}

/** The limit that has no space for more bytes: of all files together, or the share of the application or of the sender. */
export type FullFiles = 'files' | keyof FileOwners;

interface ContentFile {
  readonly owners: FileOwners;
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
  /** Bytes by application and by sender. */
  readonly #used = { app: new Map<string, number>(), from: new Map<string, number>() };

  /** @param path of the folder. Absent: a temporary folder, which is created at its first use. */
  constructor(
    private readonly path: string | undefined,
    private readonly limits: { readonly transferBytes: number },
    private readonly log: LogSink = safeLogSink(undefined),
  ) {}

  /** At start: removes files without owners. Rejects when the folder cannot be used. */
  async clean(ownersOf: ReadonlyMap<string, FileOwners>): Promise<void> {
    if (this.path === undefined) return;
    const folder = await this.#open();
    for (const { name, size } of await folder.list()) {
      const owners = ownersOf.get(name);
      if (!owners) {
        await folder.remove(name);
        continue;
      }
      this.add(name, owners);
      this.#setBytes(name, size);
    }
  }

  newName(): string {
    return platform.randomHex(NAME_BYTES);
  }

  /** Adds a file without bytes. */
  add(name: string, owners: FileOwners): void {
    this.#files.set(name, { owners, bytes: 0, users: 0, removed: false });
  }

  /** Reserves a number of bytes for the file. @returns the limit without space for them; nothing is reserved then. */
  reserve(name: string, bytes: number): FullFiles | undefined {
    const more = bytes - (this.#files.get(name)?.bytes ?? 0);
    const full = more > 0 ? this.#fullWith(name, more) : undefined;
    if (!full) this.#setBytes(name, bytes);
    return full;
  }

  #fullWith(name: string, more: number): FullFiles | undefined {
    const { transferBytes } = this.limits;
    if (this.#bytes + more > transferBytes) return 'files';
    const owners = this.#files.get(name)?.owners;
    return (['app', 'from'] as const).find((owner) => {
      const own = this.#used[owner].get(owners?.[owner] ?? '') ?? 0;
      return own + more > shareOf(transferBytes, this.#bytes - own);
    });
  }

  #setBytes(name: string, bytes: number): void {
    const file = this.#files.get(name);
    if (!file) return;
    const more = bytes - file.bytes;
    file.bytes = bytes;
    this.#bytes += more;
    for (const owner of ['app', 'from'] as const) {
      const used = this.#used[owner];
      const own = (used.get(file.owners[owner]) ?? 0) + more;
      if (own > 0) used.set(file.owners[owner], own);
      else used.delete(file.owners[owner]);
    }
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
      if (--file.users === 0 && file.removed) await this.background(this.#delete(name));
    };
  }

  /** Removes the file when it is no longer used. Never rejects: a file that stays is removed at the next start. */
  async remove(name: string): Promise<void> {
    const file = this.#files.get(name);
    if (!file || file.removed) return;
    file.removed = true;
    if (file.users === 0) await this.#delete(name);
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

  async #delete(name: string): Promise<void> {
    try {
      await (await this.#open()).remove(name);
    } catch (error) {
      this.log({ level: 'warn', message: `a file of a transfer cannot be removed: ${reasonOf(error)}` });
    }
    this.#setBytes(name, 0);
    this.#files.delete(name);
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
