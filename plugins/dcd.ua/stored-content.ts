/** Stored content by channel: kept until it expires, or newer content replaces it. */

import type { AppStorage, Transaction } from 'sip-push/sdk';
import type { ContentItem } from './content-item.js';

const ITEM = 'item/';
const OCTETS = 'octets/';
/** Prevents one channel from evicting all others. */
const MAX_ITEMS_OF_CHANNEL = 100;
/** In total. With two keys each, removing all of them fits in one transaction. */
const MAX_ITEMS = 400;
const MAX_OCTETS = 64 * 1024 * 1024;

type Writes = Pick<Transaction, 'put' | 'delete' | 'afterCommit'>;

export class StoredContent {
  /**
   * @param items by key, oldest first; in memory, because the limits concern all of them. Their octets are only in
   * storage.
   */
  private constructor(
    private readonly storage: AppStorage,
    private readonly items: Map<string, ContentItem>,
  ) {}

  static async open(storage: AppStorage): Promise<StoredContent> {
    const items: ContentItem[] = [];
    // Only this class writes under this prefix.
    for await (const [, value] of storage.entries({ prefix: ITEM })) items.push(value as ContentItem);
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
    const octets = item && !isExpired(item, now) ? await this.storage.get(OCTETS + key) : undefined;
    return octets instanceof Uint8Array ? octets : undefined;
  }

  /**
   * Stores an item, unless it has expired or is a duplicate.
   * @returns why it was ignored; undefined if it was stored.
   */
  put(tx: Writes, item: ContentItem, octets: Uint8Array, now: Date): string | undefined {
    if (isExpired(item, now)) return `it expired at ${item.expires}`;
    const former = this.items.get(item.key);
    if (former?.sha256 === item.sha256 && !isExpired(former, now)) return 'it is a duplicate';
    const evicted = evictedBy(item, [...this.items.values()], now);
    for (const { key } of evicted) {
      tx.delete(ITEM + key);
      tx.delete(OCTETS + key);
    }
    tx.put(ITEM + item.key, item);
    tx.put(OCTETS + item.key, octets);
    tx.afterCommit(() => {
      for (const { key } of [...evicted, item]) this.items.delete(key);
      this.items.set(item.key, item);
    });
    return undefined;
  }
}

/** The items to remove when one is added: expired ones, then the oldest beyond the limits. */
function evictedBy(item: ContentItem, items: readonly ContentItem[], now: Date): ContentItem[] {
  const others = items.filter(({ key }) => key !== item.key);
  const evicted = new Set(others.filter((one) => isExpired(one, now)));
  const current = others.filter((one) => !evicted.has(one));
  const ofChannel = current.filter(({ channel }) => channel === item.channel);
  for (const one of ofChannel.slice(0, Math.max(0, ofChannel.length - MAX_ITEMS_OF_CHANNEL + 1))) {
    evicted.add(one);
  }
  const rest = current.filter((one) => !evicted.has(one));
  let count = rest.length + 1;
  let octets = rest.reduce((sum, { size }) => sum + size, item.size);
  for (const one of rest) {
    if (count <= MAX_ITEMS && octets <= MAX_OCTETS) break;
    evicted.add(one);
    count -= 1;
    octets -= one.size;
  }
  return [...evicted];
}

function isExpired({ expires }: ContentItem, now: Date): boolean {
  return expires <= now.toISOString();
}
