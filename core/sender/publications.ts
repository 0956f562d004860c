/**
 * What a sender has published: content and its URL, until the URL expires. A device confirms a reference and retrieves
 * the content later, so content does not end with its push. With a store, it does not end with the process either.
 */

import { platform } from '#platform';
import { type Content, storedContent } from '../content/content.js';
import { type ContentCoding, parseContentEncoding } from '../content/content-coding.js';
import { formatMediaType, parseMediaType } from '../content/media-type.js';
import { LimitError, MalformedError } from '../errors.js';
import { decodeJson, encodeJson, type Records } from '../store/records.js';
import { asError } from '../text.js';
import { type Digest, digestOf } from './digest.js';
import type { SenderContents } from './outbox/contents.js';

/** A publication in the store. */
interface PublicationRecord {
  /** Last part of the path of its URL. */
  readonly name: string;
  /** Id of its content. */
  readonly id: string;
  readonly sha256: string;
  /** SHA-1 in hexadecimal. */
  readonly sha1: string;
  readonly size: number;
  /** Media type. */
  readonly type: string;
  /** Content coding of the bytes. */
  readonly coding?: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiration: number;
  /** Whether the whole content was retrieved. */
  readonly retrieved: boolean;
}

/** A publication that is served. */
export interface Published {
  readonly record: PublicationRecord;
  readonly content: Content;
  readonly coding: ContentCoding | undefined;
  /** How often the whole content was retrieved, by this process. */
  timesFetched: number;
  /** Responses started by this process. */
  started: number;
  /** Responses in progress. */
  active: number;
  /** Cancels the expiration. */
  cancel(): void;
}

/** Limits of published content; half of the limits of the sender's contents by default. */
export interface PublicationLimits {
  /** Number of publications. */
  count: number;
  /** Bytes of their contents together. Content that is published several times counts once. */
  bytes: number;
}

/** A publication that was removed before its expiration, because of the limits, although it was never retrieved. */
export interface RemovedPublication {
  /** Last part of the path of its URL. */
  name: string;
  /** Milliseconds since 1970. */
  expiration: number;
}

export interface PublicationsOptions {
  contents: SenderContents;
  /** Keeps the publications over restarts; absent: they end with the process. */
  records: Records | undefined;
  limits: Partial<PublicationLimits>;
  /** Called when content was retrieved, withdrawn or has expired. */
  onChange(): void;
  onRemoved(removed: RemovedPublication): void;
  onError(error: Error): void;
}

const KEY = 'push/published/';

/** Random octets of a name, so that a URL cannot be guessed. */
const NAME_BYTES = 18;

/** Three weeks in seconds; a JavaScript timer is limited to 24 days. */
const MAX_LIFETIME = 21 * 86_400;

export class Publications {
  readonly #published = new Map<string, Published>();
  /** In order of their publication. When the limits are reached, retrieved content is removed first. */
  readonly #retrieved = new Set<Published>();
  readonly #unretrieved = new Set<Published>();
  /** Publications of each content, by its id. */
  readonly #uses = new Map<string, number>();
  #bytes = 0;
  readonly #limits: PublicationLimits;
  readonly #digests = new WeakMap<Content, Promise<Digest & { sha256: string }>>();

  constructor(private readonly options: PublicationsOptions) {
    const { contents, limits } = options;
    this.#limits = {
      count: limits.count ?? Math.ceil(contents.limits.contents / 2),
      bytes: limits.bytes ?? Math.ceil(contents.limits.bytes / 2),
    };
  }

  /** Whether an earlier process has left publications. @throws StoreError */
  static async inStore(records: Records): Promise<boolean> {
    for await (const _ of records.entries(KEY)) return true;
    return false;
  }

  /** Continues the publications in the store. @throws StoreError */
  async load(): Promise<void> {
    const { records, onError } = this.options;
    const found: PublicationRecord[] = [];
    for await (const [name, bytes] of records?.entries(KEY) ?? []) {
      try {
        found.push(decode(bytes));
      } catch (error) {
        onError(new MalformedError(`invalid publication "${name}" in the store`, { cause: error }));
        this.#forget(name);
      }
    }
    found.sort((one, other) => one.expiration - other.expiration);
    for (const record of found) {
      try {
        if (record.expiration > Date.now()) await this.#add(record);
        else this.#forget(record.name);
      } catch (error) {
        onError(asError(error));
        this.#forget(record.name);
      }
    }
  }

  get(name: string): Published | undefined {
    return this.#published.get(name);
  }

  /** The number of publications that were never retrieved as a whole, or are being retrieved. */
  get unsettled(): number {
    let active = 0;
    for (const published of this.#retrieved) if (published.active > 0) active++;
    return this.#unretrieved.size + active;
  }

  /**
   * Publishes content. Its size and hash are computed once, even if it is published several times. It is on disk when the
   * promise resolves.
   * @param seconds the lifetime.
   * @param coding the content coding of the bytes.
   * @throws LimitError when there is no space for the content; StoreError.
   */
  async publish(content: Content, seconds: number, coding: ContentCoding | undefined): Promise<Published> {
    const { contents, records } = this.options;
    const { size, sha1, sha256 } = await this.#digestOf(content);
    if (size > this.#limits.bytes) {
      throw new LimitError(
        `content has ${size} bytes: published content is limited to ${this.#limits.bytes}`,
      );
    }
    const { id } = await contents.addHashed(sha256, () => content.open());
    const record = {
      name: platform.randomHex(NAME_BYTES),
      id,
      sha256,
      sha1,
      size,
      type: formatMediaType(content.type),
      coding,
      expiration: Date.now() + Math.min(seconds, MAX_LIFETIME) * 1000,
      retrieved: false,
    };
    const published = await this.#add(record);
    try {
      await records?.write([{ type: 'put', key: KEY + record.name, value: encodeJson(record) }], 'synced');
    } catch (error) {
      this.withdraw(published);
      throw error;
    }
    return published;
  }

  /** The whole content was retrieved. */
  setRetrieved(published: Published): void {
    published.timesFetched++;
    if (!this.#unretrieved.delete(published)) return;
    this.#retrieved.add(published);
    const { records, onError } = this.options;
    const record: PublicationRecord = { ...published.record, retrieved: true };
    records
      ?.write([{ type: 'put', key: KEY + record.name, value: encodeJson(record) }], 'written')
      .catch(onError);
  }

  withdraw(published: Published): void {
    const { name, id, size } = published.record;
    if (!this.#published.delete(name)) return;
    published.cancel();
    this.#retrieved.delete(published);
    this.#unretrieved.delete(published);
    const uses = (this.#uses.get(id) ?? 0) - 1;
    if (uses > 0) {
      this.#uses.set(id, uses);
    } else {
      this.#uses.delete(id);
      this.#bytes -= size;
    }
    this.#forget(name);
    void this.options.contents.release(id);
    this.options.onChange();
  }

  /** Ends all publications of this process; with a store, the next process continues them. */
  close(): void {
    for (const published of [...this.#published.values()]) {
      if (this.options.records) published.cancel();
      else this.withdraw(published);
    }
    this.#published.clear();
    this.#retrieved.clear();
    this.#unretrieved.clear();
    this.options.onChange();
  }

  async #add(record: PublicationRecord): Promise<Published> {
    const { name, id, size, type, sha256, expiration, retrieved, coding } = record;
    const { contents } = this.options;
    const mediaType = parseMediaType(type);
    if (!mediaType) throw new MalformedError(`invalid media type "${type}" of a publication`);
    const [codingOfBytes] = parseContentEncoding(coding);
    contents.claim(id, sha256);
    try {
      const content = storedContent(mediaType, await contents.open(id));
      this.#makeSpace(id, size);
      // A changed date does not extend the lifetime.
      const left = Math.min(expiration - Date.now(), MAX_LIFETIME * 1000);
      const timer = setTimeout(() => this.withdraw(published), left);
      const published: Published = {
        record,
        content,
        coding: codingOfBytes,
        timesFetched: retrieved ? 1 : 0,
        started: 0,
        active: 0,
        cancel: () => clearTimeout(timer),
      };
      this.#published.set(name, published);
      (retrieved ? this.#retrieved : this.#unretrieved).add(published);
      const uses = this.#uses.get(id) ?? 0;
      this.#uses.set(id, uses + 1);
      if (uses === 0) this.#bytes += size;
      return published;
    } catch (error) {
      void contents.release(id);
      throw error;
    }
  }

  /** Removes the oldest publications until the limits allow another one of this content. */
  #makeSpace(id: string, size: number): void {
    const { count, bytes } = this.#limits;
    const isFull = () =>
      this.#published.size >= count || this.#bytes + (this.#uses.has(id) ? 0 : size) > bytes;
    while (isFull()) {
      const [oldest] = this.#retrieved.size > 0 ? this.#retrieved : this.#unretrieved;
      if (!oldest) return;
      const { name, expiration } = oldest.record;
      if (this.#unretrieved.has(oldest)) this.options.onRemoved({ name, expiration });
      this.withdraw(oldest);
    }
  }

  #forget(name: string): void {
    const { records, onError } = this.options;
    records?.write([{ type: 'del', key: KEY + name }], 'written').catch(onError);
  }

  #digestOf(content: Content): Promise<Digest & { sha256: string }> {
    const known = this.#digests.get(content);
    if (known) return known;
    const hasher = platform.hasher('sha-256');
    const digest = digestOf(content, (chunk) => hasher.update(chunk)).then((found) => ({
      ...found,
      sha256: hasher.digest(),
    }));
    this.#digests.set(content, digest);
    // The next publication reads the content again.
    digest.catch(() => this.#digests.delete(content));
    return digest;
  }
}

/** @throws MalformedError */
function decode(bytes: Uint8Array): PublicationRecord {
  const { name, id, sha256, sha1, size, type, coding, expiration, retrieved }: Record<string, unknown> =
    Object(decodeJson(bytes));
  if (
    typeof name !== 'string' ||
    typeof id !== 'string' ||
    typeof sha256 !== 'string' ||
    typeof sha1 !== 'string' ||
    typeof size !== 'number' ||
    typeof type !== 'string' ||
    (coding !== undefined && typeof coding !== 'string') ||
    typeof expiration !== 'number' ||
    typeof retrieved !== 'boolean'
  ) {
    throw new MalformedError('invalid publication: expected its name, content and expiration');
  }
  return { name, id, sha256, sha1, size, type, coding, expiration, retrieved };
}
