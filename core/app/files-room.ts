/** Where the files of applications are: a folder each, opened when the first of it is asked for. */

import { platform } from '#platform';
import { QuotaError } from '../errors.js';
import type { Folder, NewFile, StoredFile } from '../platform/platform.js';
import type { RuntimeLimits } from './limits.js';

type Limits = Pick<RuntimeLimits, 'filesCount' | 'filesBytes'>;

export class FilesRoom {
  readonly #shelves = new Map<string, Promise<Shelf>>();

  /** @param folder one inside it for each application; temporary ones when absent. */
  constructor(
    private readonly folder: string | undefined,
    private readonly limits: Limits,
  ) {}

  /** Rejects, this time, when the folder cannot be made. */
  of(namespace: string): Promise<Shelf> {
    const known = this.#shelves.get(namespace);
    if (known) return known;
    const path = this.folder === undefined ? undefined : `${this.folder}/${namespace}`;
    const opened = Shelf.open(path, this.limits).catch((error: unknown) => {
      this.#shelves.delete(namespace);
      throw error;
    });
    this.#shelves.set(namespace, opened);
    return opened;
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      Array.from(this.#shelves.values(), async (opened) => (await opened).folder.close()),
    );
  }
}

/** One being written: kept or discarded in the end. */
interface ShelfFile extends Omit<NewFile, 'keep'> {
  /** @returns its size. */
  keep(): Promise<number>;
}

/** The files of one application, and how much there is of them. */
export class Shelf {
  #bytes: number;
  /** Files being written. */
  #unfinished = 0;

  /** @param sizes of those kept, by name. */
  private constructor(
    readonly folder: Folder,
    private readonly sizes: Map<string, number>,
    private readonly limits: Limits,
  ) {
    this.#bytes = Array.from(sizes.values()).reduce((sum, size) => sum + size, 0);
  }

  static async open(path: string | undefined, limits: Limits): Promise<Shelf> {
    const folder = await platform.openFolder(path);
    const kept = await folder.list();
    return new Shelf(folder, new Map(kept.map(({ name, size }) => [name, size])), limits);
  }

  list(): { name: string; size: number }[] {
    return Array.from(this.sizes, ([name, size]) => ({ name, size }));
  }

  /**
   * @param filesBytes of all of them together.
   * @throws QuotaError when there are as many as there may be.
   */
  async create(name: string, filesBytes = this.limits.filesBytes): Promise<ShelfFile> {
    const { filesCount } = this.limits;
    // Those that are being written count, so that they do not pass the limits together.
    if (this.sizes.size + this.#unfinished >= filesCount) {
      throw new QuotaError(`${filesCount} files, the most that may be kept`);
    }
    this.#unfinished += 1;
    let size = 0;
    try {
      const file = await this.folder.create(name);
      return {
        append: async (bytes) => {
          if (this.#bytes + bytes.length > filesBytes) {
            throw new QuotaError(
              `files of more than ${filesBytes} bytes together, the most that may be kept`,
            );
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
