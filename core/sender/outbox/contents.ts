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

/** A stored content. Its file is removed when no push and no upload needs it. */
interface KeptContent {
  /** SHA-256 in hexadecimal; unknown for a file of an earlier process. */
  sha256: string | undefined;
  /** Pushes that need it. */
  claims: number;
  /** Cancels the end of each upload that no push has claimed. */
  readonly uploads: Set<() => void>;
}

/** Unclaimed uploads of one content that are counted. */
const MAX_UPLOADS = 1000;

export class OutboxContents {
  readonly #kept = new Map<string, KeptContent>();
  /** Ids by SHA-256: the same content is stored once. */
  readonly #byHash = new Map<string, string>();

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
    for (const { name } of contents.files.list()) contents.#addUpload(name, undefined);
    return contents;
  }

  /**
   * Stores a body, once however often it is added.
   * @returns the id under which a push can claim the content within an hour.
   * @throws LimitError when the limits are reached; the error of the body.
   */
  async add(body: ReadableStream<Uint8Array>): Promise<{ id: string; size: number }> {
    const id = platform.randomHex(16);
    const file = await this.files.create(id);
    const hasher = platform.hasher('sha-256');
    let size = 0;
    try {
      for await (const chunk of body) {
        hasher.update(chunk);
        size += chunk.length;
        await file.append(chunk);
      }
      const sha256 = hasher.digest();
      const known = this.#addKnown(sha256);
      if (known !== undefined) {
        await file.discard();
        return { id: known, size };
      }
      await file.keep();
      this.#addUpload(id, sha256);
      return { id, size };
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** As `add`, without a write if the content is stored. @param sha256 of the bytes. */
  async addBytes(bytes: Uint8Array, sha256: string): Promise<{ id: string }> {
    const known = this.#addKnown(sha256);
    return known === undefined ? await this.add(new Blob([new Uint8Array(bytes)]).stream()) : { id: known };
  }

  /** SHA-256 in hexadecimal. @throws ConfigurationError when there is no such content. */
  async sha256(id: string): Promise<string> {
    const kept = this.#kept.get(id);
    if (!kept) throw unknownContent(id);
    if (kept.sha256 === undefined) {
      const hasher = platform.hasher('sha-256');
      for await (const chunk of (await this.files.open(id)).open()) hasher.update(chunk);
      this.#setHash(id, kept, hasher.digest());
    }
    return kept.sha256 ?? '';
  }

  /** Keeps the content until each claim was released. @throws ConfigurationError when there is no such content. */
  claim(id: string, sha256: string): void {
    const kept = this.#kept.get(id);
    if (!kept) throw unknownContent(id);
    const [cancelUpload] = kept.uploads;
    cancelUpload?.();
    kept.claims++;
    this.#setHash(id, kept, sha256);
  }

  has(id: string): boolean {
    return this.#kept.has(id);
  }

  async release(id: string): Promise<void> {
    const kept = this.#kept.get(id);
    if (!kept) return;
    kept.claims--;
    await this.#removeUnneeded(id, kept);
  }

  /** @throws ConfigurationError when there is no such content. */
  open(id: string): Promise<StoredFile> {
    return this.files.open(id);
  }

  async close(): Promise<void> {
    for (const { uploads } of this.#kept.values()) for (const cancel of uploads) cancel();
    await this.files.folder.close();
  }

  /** @returns the id of the stored content with this hash. */
  #addKnown(sha256: string): string | undefined {
    const id = this.#byHash.get(sha256);
    if (id !== undefined) this.#addUpload(id, sha256);
    return id;
  }

  #addUpload(id: string, sha256: string | undefined): void {
    const kept = this.#kept.get(id) ?? { sha256: undefined, claims: 0, uploads: new Set() };
    this.#kept.set(id, kept);
    if (sha256 !== undefined) this.#setHash(id, kept, sha256);
    const stop = this.clock.after(UNCLAIMED_RETENTION, () => {
      kept.uploads.delete(cancel);
      void this.#removeUnneeded(id, kept);
    });
    const cancel = () => {
      stop();
      kept.uploads.delete(cancel);
    };
    kept.uploads.add(cancel);
    if (kept.uploads.size <= MAX_UPLOADS) return;
    const [oldest] = kept.uploads;
    oldest?.();
  }

  #setHash(id: string, kept: KeptContent, sha256: string): void {
    kept.sha256 = sha256;
    if (!this.#byHash.has(sha256)) this.#byHash.set(sha256, id);
  }

  async #removeUnneeded(id: string, { claims, uploads, sha256 = '' }: KeptContent): Promise<void> {
    if (claims > 0 || uploads.size > 0) return;
    this.#kept.delete(id);
    if (this.#byHash.get(sha256) === id) this.#byHash.delete(sha256);
    try {
      await this.files.remove(id);
    } catch (error) {
      this.onError(asError(error));
    }
  }
}

function unknownContent(id: string): ConfigurationError {
  return new ConfigurationError(
    `unknown content "${id}": expected the id of an upload of the last hour, without a push`,
  );
}
