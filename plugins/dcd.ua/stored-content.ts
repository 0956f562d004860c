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

export class StoredContent {
  constructor(private readonly storage: AppStorage) {}

  /** Items that have not expired, newest first, of one channel or of all. */
  async list(now: Date, channel?: string): Promise<ContentItem[]> {
    const items = await this.items();
    return items
      .filter((item) => !isExpired(item, now) && (channel === undefined || item.channel === channel))
      .reverse();
  }

  async octets(key: string, now: Date): Promise<Uint8Array | undefined> {
    const item = await this.item(key);
    const octets = item && !isExpired(item, now) ? await this.storage.get(OCTETS + key) : undefined;
    return octets instanceof Uint8Array ? octets : undefined;
  }

  /**
   * Stores an item, unless it has expired or is a duplicate.
   * @returns why it was ignored; undefined if it was stored.
   */
  async put(
    tx: Pick<Transaction, 'put' | 'delete'>,
    item: ContentItem,
    octets: Uint8Array,
    now: Date,
  ): Promise<string | undefined> {
    if (isExpired(item, now)) return `it expired at ${item.expires}`;
    const former = await this.item(item.key);
    if (former?.sha256 === item.sha256 && !isExpired(former, now)) return 'it is a duplicate';
    for (const { key } of evictedBy(item, await this.items(), now)) {
      tx.delete(ITEM + key);
      tx.delete(OCTETS + key);
    }
    tx.put(ITEM + item.key, item);
    tx.put(OCTETS + item.key, octets);
    return undefined;
  }

  // Only this class writes under this prefix.
  private async item(key: string): Promise<ContentItem | undefined> {
    return (await this.storage.get(ITEM + key)) as ContentItem | undefined;
  }

  /** Oldest first. Expired items are included. */
  private async items(): Promise<ContentItem[]> {
    const items: ContentItem[] = [];
    for await (const [, value] of this.storage.entries({ prefix: ITEM })) items.push(value as ContentItem);
    return items.sort((one, other) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
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
