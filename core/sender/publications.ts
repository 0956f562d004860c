/**
 * What a sender has published: content and its URL, until the URL expires. A device confirms a reference and retrieves
 * the content later, so content does not end with its push. With a store, it does not end with the process either.
 */

import { platform } from '#platform';
import { type Content, storedContent } from '../content/content.js';
import { type ContentCoding, parseContentEncoding } from '../content/content-coding.js';
import { formatMediaType, parseMediaType } from '../content/media-type.js';
import { LimitError, MalformedError } from '../errors.js';
import { encodeJson, type Records } from '../store/records.js';
import { asError } from '../text.js';
import { type Digest, digestOf } from './digest.js';
import type { SenderContents } from './outbox/contents.js';
import { decodePublication, Publication, type PublicationRecord } from './publication.js';

/** Content to publish. */
export interface NewPublication {
  /**
   * The push, the file and the address that it is for. Another attempt with the same content gets the same URL, and
   * extends its lifetime.
   */
  owner: string;
  content: Content;
  /** Lifetime in seconds, three weeks at most. */
  lifetime: number;
  /** The content coding of the bytes. */
  coding?: ContentCoding | undefined;
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
  /** Base of the URLs, without a final slash. */
  base: string;
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
  /** By name. */
  readonly #published = new Map<string, Publication>();
  readonly #byOwner = new Map<string, Publication>();
  /** In order of their last attempt. When the limits are reached, retrieved content is removed first. */
  readonly #retrieved = new Set<Publication>();
  readonly #unretrieved = new Set<Publication>();
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
        found.push(decodePublication(bytes));
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

  get(name: string): Publication | undefined {
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
   * @throws LimitError when there is no space for the content; StoreError.
   */
  async publish({ owner, content, lifetime, coding }: NewPublication): Promise<Publication> {
    const { contents } = this.options;
    const { size, sha1, sha256 } = await this.#digestOf(content);
    const expiration = Date.now() + Math.min(lifetime, MAX_LIFETIME) * 1000;
    const type = formatMediaType(content.type);
    const known = this.#byOwner.get(owner);
    if (known) {
      const { record } = known;
      const isSame = record.sha256 === sha256 && record.type === type && record.coding === coding;
      if (isSame) return await this.#reuse(known, expiration);
    }
    if (size > this.#limits.bytes) {
      throw new LimitError(
        `content has ${size} bytes: published content is limited to ${this.#limits.bytes}`,
      );
    }
    const { id } = await contents.addHashed(sha256, () => content.open());
    const name = platform.randomHex(NAME_BYTES);
    const record = { name, owner, id, sha256, sha1, size, type, coding, expiration, retrieved: false };
    const publication = await this.#add(record);
    try {
      await this.#write(record, 'synced');
    } catch (error) {
      publication.withdraw();
      throw error;
    }
    return publication;
  }

  /** Another attempt of the push sends the URL. @throws StoreError */
  async #reuse(publication: Publication, expiration: number): Promise<Publication> {
    const { record } = publication;
    publication.reused = true;
    publication.started = 0;
    // The date may have been changed.
    publication.record = { ...record, expiration: Math.max(record.expiration, expiration) };
    this.#expire(publication);
    const queue = record.retrieved ? this.#retrieved : this.#unretrieved;
    queue.delete(publication);
    queue.add(publication);
    await this.#write(publication.record, 'synced');
    return publication;
  }

  /** The whole content was retrieved. */
  setRetrieved(publication: Publication): void {
    publication.timesFetched++;
    if (!this.#unretrieved.delete(publication)) return;
    this.#retrieved.add(publication);
    publication.record = { ...publication.record, retrieved: true };
    this.#write(publication.record, 'written').catch(this.options.onError);
  }

  #withdraw(publication: Publication): void {
    const { name, owner, id, size } = publication.record;
    if (!this.#published.delete(name)) return;
    publication.cancel();
    if (this.#byOwner.get(owner) === publication) this.#byOwner.delete(owner);
    this.#retrieved.delete(publication);
    this.#unretrieved.delete(publication);
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
    for (const publication of [...this.#published.values()]) {
      if (this.options.records) publication.cancel();
      else publication.withdraw();
    }
    this.#published.clear();
    this.#byOwner.clear();
    this.#retrieved.clear();
    this.#unretrieved.clear();
    this.options.onChange();
  }

  async #add(record: PublicationRecord): Promise<Publication> {
    const { name, owner, id, size, type, sha256, retrieved, coding } = record;
    const { contents, base } = this.options;
    const mediaType = parseMediaType(type);
    if (!mediaType) throw new MalformedError(`invalid media type "${type}" of a publication`);
    const [codingOfBytes] = parseContentEncoding(coding);
    contents.claim(id, sha256);
    try {
      const content = storedContent(mediaType, await contents.open(id));
      this.#makeSpace(id, size);
      const withdraw = () => this.#withdraw(publication);
      const publication = new Publication(`${base}/${name}`, record, content, codingOfBytes, withdraw);
      this.#expire(publication);
      this.#published.set(name, publication);
      this.#byOwner.set(owner, publication);
      (retrieved ? this.#retrieved : this.#unretrieved).add(publication);
      const uses = this.#uses.get(id) ?? 0;
      this.#uses.set(id, uses + 1);
      if (uses === 0) this.#bytes += size;
      return publication;
    } catch (error) {
      void contents.release(id);
      throw error;
    }
  }

  #expire(publication: Publication): void {
    publication.cancel();
    // A changed date does not extend the lifetime.
    const left = Math.min(publication.expiration - Date.now(), MAX_LIFETIME * 1000);
    const timer = setTimeout(publication.withdraw, left);
    publication.cancel = () => clearTimeout(timer);
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
      oldest.withdraw();
    }
  }

  async #write(record: PublicationRecord, safety: 'synced' | 'written'): Promise<void> {
    await this.options.records?.write(
      [{ type: 'put', key: KEY + record.name, value: encodeJson(record) }],
      safety,
    );
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
