/** The files of applications: each application has a folder, which is opened at its first use. */

import { platform } from '#platform';
import type { ByteRange } from '../../content/content.js';
import { QuotaError } from '../../errors.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { Folder, NewFile, StoredFile } from '../../platform/files.js';
import { handled } from '../../time/deadline.js';
import type { AppFile, AppFiles } from '../contract/services.js';
import type { RuntimeLimits } from '../limits.js';
import { APP_SCOPE, type AppScope, requireActive } from './app-scope.js';

export const APP_FOLDERS: InjectionToken<AppFolders> = Symbol('app folders');

type Limits = Pick<RuntimeLimits, 'filesCount' | 'filesBytes'>;

export class AppFolders {
  readonly #folders = new Map<string, Promise<AppFolder>>();

  /** @param folder contains a folder for each application; absent: the folders are temporary. */
  constructor(
    private readonly folder: string | undefined,
    private readonly limits: Limits,
  ) {}

  /** Rejects when the folder cannot be created. The next call tries again. */
  of(namespace: string): Promise<AppFolder> {
    const known = this.#folders.get(namespace);
    if (known) return known;
    const path = this.folder === undefined ? undefined : `${this.folder}/${namespace}`;
    const opened = AppFolder.open(path, this.limits).catch((error: unknown) => {
      this.#folders.delete(namespace);
      throw error;
    });
    this.#folders.set(namespace, opened);
    return opened;
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      Array.from(this.#folders.values(), async (opened) => (await opened).folder.close()),
    );
  }
}

/** A file that is being written, and then kept or discarded. */
interface UnfinishedFile extends Omit<NewFile, 'keep'> {
  /** @returns the size of the file. */
  keep(): Promise<number>;
}

/** The files of one application, with their limits. */
export class AppFolder {
  #bytes: number;
  /** Files that are being written. */
  #unfinished = 0;

  /** @param sizes of the kept files, by name. */
  private constructor(
    readonly folder: Folder,
    private readonly sizes: Map<string, number>,
    private readonly limits: Limits,
  ) {
    this.#bytes = Array.from(sizes.values()).reduce((sum, size) => sum + size, 0);
  }

  static async open(path: string | undefined, limits: Limits): Promise<AppFolder> {
    const folder = await platform.openFolder(path);
    const kept = await folder.list();
    return new AppFolder(folder, new Map(kept.map(({ name, size }) => [name, size])), limits);
  }

  list(): { name: string; size: number }[] {
    return Array.from(this.sizes, ([name, size]) => ({ name, size }));
  }

  /**
   * @param filesBytes limit of all files together.
   * @throws QuotaError when the number of files is at its limit.
   */
  async create(name: string, filesBytes = this.limits.filesBytes): Promise<UnfinishedFile> {
    const { filesCount } = this.limits;
    // Files that are being written count, so that they cannot exceed the limits together.
    if (this.sizes.size + this.#unfinished >= filesCount) {
      throw new QuotaError(`the application has ${filesCount} files, its limit: remove some first`);
    }
    this.#unfinished += 1;
    let size = 0;
    try {
      const file = await this.folder.create(name);
      return {
        append: async (bytes) => {
          if (this.#bytes + bytes.length > filesBytes) {
            throw new QuotaError(`the files would exceed the limit of ${filesBytes} bytes`);
          }
          size += bytes.length;
          this.#bytes += bytes.length;
          await file.append(bytes);
        },
        keep: async () => {
          await file.keep();
          this.#unfinished -= 1;
          this.sizes.set(name, size);
          return size;
        },
        discard: async () => {
          this.#unfinished -= 1;
          this.#bytes -= size;
          await file.discard();
        },
      };
    } catch (error) {
      this.#unfinished -= 1;
      throw error;
    }
  }

  open(name: string): Promise<StoredFile> {
    return this.folder.open(name);
  }

  async remove(name: string): Promise<void> {
    await this.folder.remove(name);
    this.#bytes -= this.sizes.get(name) ?? 0;
    this.sizes.delete(name);
  }
}

/** Random bytes of a file name: names never repeat. */
const NAME_BYTES = 16;

/** The `files` service. */
@injectable()
export class FilesService implements AppFiles {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(APP_FOLDERS) private readonly folders: AppFolders,
  ) {}

  write(content: ReadableStream<Uint8Array>): Promise<AppFile & { sha256: string }> {
    return handled(this.keepFile(content));
  }

  open(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    return handled(this.openFolder().then(async (folder) => (await folder.open(name)).open(range)));
  }

  remove(name: string): Promise<void> {
    return handled(this.openFolder().then((folder) => folder.remove(name)));
  }

  list(): Promise<AppFile[]> {
    return handled(
      this.openFolder().then((folder) =>
        folder.list().map(({ name, size }) => this.file(folder, name, size)),
      ),
    );
  }

  private async keepFile(content: ReadableStream<Uint8Array>): Promise<AppFile & { sha256: string }> {
    try {
      const folder = await this.openFolder();
      const name = platform.randomHex(NAME_BYTES);
      const file = await folder.create(name, this.scope.permissions.files);
      const hasher = platform.hasher('sha-256');
      try {
        for await (const chunk of content) {
          requireActive(this.scope, 'use files');
          await file.append(chunk);
          hasher.update(chunk);
        }
        requireActive(this.scope, 'use files');
        const size = await file.keep();
        return { ...this.file(folder, name, size), sha256: hasher.digest() };
      } catch (error) {
        await file.discard();
        throw error;
      }
    } catch (error) {
      // The producer of the content learns that it is no longer read.
      if (!content.locked) await content.cancel(error).catch(() => {});
      throw error;
    }
  }

  private file(folder: AppFolder, name: string, size: number): AppFile {
    return { name, size, path: folder.folder.path(name) };
  }

  private async openFolder(): Promise<AppFolder> {
    requireActive(this.scope, 'use files');
    return this.folders.of(this.scope.namespace);
  }
}
