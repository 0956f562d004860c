/** Stored content by channel: kept until it expires, or newer content replaces it. */

import { type AppStorage, type StorageOperation, TaskQueue } from 'sip-push/sdk';
import type { ContentItem } from './content-item.js';

const ITEM = 'item/';
const OCTETS = 'octets/';
/** Prevents one channel from evicting all others. */
const MAX_ITEMS_OF_CHANNEL = 100;
/** In total. With two keys each, removing all of them fits in one commit. */
const MAX_ITEMS = 400;
const MAX_OCTETS = 64 * 1024 * 1024;

type Commit = (operations: StorageOperation[]) => Promise<void>;

export class StoredContent {
  /** Serializes changes: which items are evicted depends on the ones that are stored. */
  private readonly queue = new TaskQueue();

  /** @param items by key, oldest first; their octets are only in storage. */
  private constructor(
    private readonly storage: AppStorage,
    private readonly items: Map<string, ContentItem>,
  ) {}

  /** Reads the stored items, and removes expired ones. */
  static async open(storage: AppStorage, now: Date): Promise<StoredContent> {
    const items: ContentItem[] = [];
    const expired: ContentItem[] = [];
    for await (const [, value] of storage.entries({ prefix: ITEM })) {
      // Only this class writes under this prefix.
      const item = value as ContentItem;
      (isExpired(item, now) ? expired : items).push(item);
    }
    await Promise.all(expired.flatMap(keysOf).map((key) => storage.delete(key)));
    items.sort((one, other) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new StoredContent(storage, new Map(items.map((item) => [item.key, item])));
  }

  /** Items that have not expired, newest first, of one channel or of all. */
  list(now: Date, channel?: string): ContentItem[] {
    return [...this.items.values()]
      .filter((item) => !isExpired(item, now) && (channel === undefined || item.channel === channel))
      .reverse();
  }

  async octets(key: string, now: Date): Promise<Uint8Array | undefined> {
    const item = this.items.get(key);
    if (!item || isExpired(item, now)) return undefined;
    const octets = await this.storage.get(OCTETS + key);
    return octets instanceof Uint8Array ? octets : undefined;
  }

  /**
   * Stores an item, unless it has expired or is a duplicate.
   * @returns why it was ignored; undefined if it was committed.
   */
  put(item: ContentItem, octets: Uint8Array, now: Date, commit: Commit): Promise<string | undefined> {
    return this.queue.run(async () => {
      if (isExpired(item, now)) return `it expired at ${item.expires}`;
      const stored = this.items.get(item.key);
      if (stored?.sha256 === item.sha256 && !isExpired(stored, now)) return 'it is a duplicate';
      const evicted = this.evictedBy(item, now);
      await commit([
        ...evicted.flatMap(keysOf).map((key) => ({ type: 'delete' as const, key })),
        { type: 'put', key: ITEM + item.key, value: item },
        { type: 'put', key: OCTETS + item.key, value: octets },
      ]);
      for (const { key } of evicted) this.items.delete(key);
      this.items.set(item.key, item);
      return undefined;
    });
  }

  /** The items to remove when one is added: its former version, expired ones, then the oldest beyond the limits. */
  private evictedBy(item: ContentItem, now: Date): ContentItem[] {
    const items = [...this.items.values()];
    const isObsolete = (one: ContentItem) => one.key === item.key || isExpired(one, now);
    const left = items.filter((one) => !isObsolete(one));
    const ofChannel = left.filter(({ channel }) => channel === item.channel);
    const excess = new Set(ofChannel.slice(0, Math.max(0, ofChannel.length - MAX_ITEMS_OF_CHANNEL + 1)));
    const others = left.filter((one) => !excess.has(one));
    let count = others.length + 1;
    let octets = others.reduce((sum, { size }) => sum + size, item.size);
    for (const one of others) {
      if (count <= MAX_ITEMS && octets <= MAX_OCTETS) break;
      excess.add(one);
      count -= 1;
      octets -= one.size;
    }
    return [...items.filter(isObsolete), ...excess];
  }
}

function keysOf({ key }: ContentItem): string[] {
  return [ITEM + key, OCTETS + key];
}

function isExpired({ expires }: ContentItem, now: Date): boolean {
  return expires <= now.toISOString();
}
