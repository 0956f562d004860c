/** The contents of an outbox: files of a folder. A file is removed when no push needs it any more. */

import { platform } from '#platform';
import { AppFolder } from '../../app/services/files-service.js';
import { ConfigurationError } from '../../errors.js';
import type { StoredFile } from '../../platform/files.js';
import { asError } from '../../text.js';
import type { Clock } from '../../time/clock.js';

export interface ContentLimits {
  /** The largest number of contents. */
  filesCount: number;
  /** Bytes of all contents together. */
  filesBytes: number;
}

/** How long content without a push is kept, in milliseconds. */
const UNCLAIMED_RETENTION = 3_600_000;

export class OutboxContents {
  /** By content id: the number of pushes that need the content. */
  readonly #claims = new Map<string, number>();
  /** By id of content without a push: cancels its removal. */
  readonly #removals = new Map<string, () => void>();

  private constructor(
    private readonly files: AppFolder,
    private readonly clock: Pick<Clock, 'after'>,
    private readonly onError: (error: Error) => void,
  ) {}

  /** @param path path of the folder; a temporary folder if absent. */
  static async open(
    path: string | undefined,
    limits: ContentLimits,
    clock: Pick<Clock, 'after'>,
    onError: (error: Error) => void,
  ): Promise<OutboxContents> {
    const contents = new OutboxContents(await AppFolder.open(path, limits), clock, onError);
    for (const { name } of contents.files.list()) contents.#scheduleRemoval(name);
    return contents;
  }

  /**
   * Stores a body.
   * @returns the id under which a push can claim the content within an hour.
   * @throws LimitError when the limits are reached; the error of the body.
   */
  async add(body: ReadableStream<Uint8Array>): Promise<{ id: string; size: number }> {
    const id = platform.randomHex(16);
    const file = await this.files.create(id);
    try {
      for await (const chunk of body) await file.append(chunk);
      const size = await file.keep();
      this.#scheduleRemoval(id);
      return { id, size };
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** Keeps the content until each claim was released. @throws ConfigurationError when there is no such content. */
  claim(id: string): void {
    const claims = this.#claims.get(id) ?? 0;
    const cancelRemoval = this.#removals.get(id);
    if (claims === 0 && !cancelRemoval) {
      throw new ConfigurationError(
        `unknown content "${id}": expected the id of an upload of the last hour, without a push`,
      );
    }
    cancelRemoval?.();
    this.#removals.delete(id);
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

  /** @throws ConfigurationError when there is no such content. */
  open(id: string): Promise<StoredFile> {
    return this.files.open(id);
  }

  async close(): Promise<void> {
    for (const cancel of this.#removals.values()) cancel();
    await this.files.folder.close();
  }

  #scheduleRemoval(id: string): void {
    const cancel = this.clock.after(UNCLAIMED_RETENTION, () => {
      this.#removals.delete(id);
      void this.#remove(id);
    });
    this.#removals.set(id, cancel);
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.files.remove(id);
    } catch (error) {
      this.onError(asError(error));
    }
  }
}
