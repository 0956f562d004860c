/** Contents that wait for their pushes, or belong to some: files of a folder, each removed when nobody needs it. */

import { platform } from '#platform';
import { AppFolder } from '../../app/services/files-service.js';
import { ConfigurationError } from '../../errors.js';
import type { StoredFile } from '../../platform/platform.js';
import type { Clock } from '../../time/clock.js';

export interface ContentLimits {
  /** Contents at a time. */
  filesCount: number;
  /** Bytes of all of them. */
  filesBytes: number;
}

/** How long content waits for a push that is to have it, milliseconds. */
const UNCLAIMED_FOR = 3_600_000;

export class OutboxContents {
  /** Pushes that need each. */
  readonly #claims = new Map<string, number>();
  /** What ends the wait of those that nobody needs yet. */
  readonly #waiting = new Map<string, () => void>();

  private constructor(
    private readonly shelf: AppFolder,
    private readonly clock: Pick<Clock, 'after'>,
    private readonly onError: (error: Error) => void,
  ) {}

  /** @param path of a folder; a temporary one when absent. */
  static async open(
    path: string | undefined,
    limits: ContentLimits,
    clock: Pick<Clock, 'after'>,
    onError: (error: Error) => void,
  ): Promise<OutboxContents> {
    const contents = new OutboxContents(await AppFolder.open(path, limits), clock, onError);
    for (const { name } of contents.shelf.list()) contents.#wait(name);
    return contents;
  }

  /**
   * Reads `body` to its end.
   * @returns what a push calls it by, within an hour.
   * @throws LimitError when there is no room; what the body errors with.
   */
  async add(body: ReadableStream<Uint8Array>): Promise<{ id: string; size: number }> {
    const id = platform.randomHex(16);
    const file = await this.shelf.create(id);
    try {
      for await (const chunk of body) await file.append(chunk);
      const size = await file.keep();
      this.#wait(id);
      return { id, size };
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** It stays until it was released as often. @throws ConfigurationError when it is not there. */
  claim(id: string): void {
    const claims = this.#claims.get(id) ?? 0;
    const waiting = this.#waiting.get(id);
    if (claims === 0 && !waiting) throw new ConfigurationError(`there is no content ${id}`);
    waiting?.();
    this.#waiting.delete(id);
    this.#claims.set(id, claims + 1);
  }

  async release(id: string): Promise<void> {
    const claims = (this.#claims.get(id) ?? 1) - 1;
    if (claims > 0) {
      this.#claims.set(id, claims);
      return;
    }
    this.#claims.delete(id);
    await this.#remove(id);
  }

  /** @throws ConfigurationError when it is not there. */
  open(id: string): Promise<StoredFile> {
    return this.shelf.open(id);
  }

  async close(): Promise<void> {
    for (const end of this.#waiting.values()) end();
    await this.shelf.folder.close();
  }

  #wait(id: string): void {
    const end = this.clock.after(UNCLAIMED_FOR, () => {
      this.#waiting.delete(id);
      void this.#remove(id);
    });
    this.#waiting.set(id, end);
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.shelf.remove(id);
    } catch (error) {
      this.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
