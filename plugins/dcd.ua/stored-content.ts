/** The content that is kept: by channel, each piece until it expires or others need its room. */

import { type AppStorage, type StorageOperation, TaskQueue } from 'sip-push/sdk';
import type { ContentItem } from './content-item.js';

const ITEM = 'item/';
const OCTETS = 'octets/';
/** One channel must not push all others out. */
const MAX_ITEMS_OF_CHANNEL = 100;
/** In all; with two keys each, removing all of them still is one commit. */
const MAX_ITEMS = 400;
const MAX_OCTETS = 64 * 1024 * 1024;

type Take = (operations: StorageOperation[]) => Promise<void>;

export class StoredContent {
  /** One after another: what goes depends on what is there. */
  private readonly turns = new TaskQueue();

  /** @param items by key, the oldest first; their octets are in storage alone. */
  private constructor(
    private readonly storage: AppStorage,
    private readonly items: Map<string, ContentItem>,
  ) {}

  /** Reads what is stored; what has expired meanwhile goes. */
  static async open(storage: AppStorage, now: Date): Promise<StoredContent> {
    const items: ContentItem[] = [];
    const expired: ContentItem[] = [];
    for await (const [, value] of storage.entries({ prefix: ITEM })) {
      // Nobody else writes here.
      const item = value as ContentItem;
      (isExpired(item, now) ? expired : items).push(item);
    }
    await Promise.all(expired.flatMap(keysOf).map((key) => storage.delete(key)));
    items.sort((one, other) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new StoredContent(storage, new Map(items.map((item) => [item.key, item])));
  }

  /** Those not expired, the newest first; of one channel, or of all. */
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
   * Runs `take` with what must be written, unless the content comes to nothing.
   * @returns why it comes to nothing; undefined when `take` was run.
   */
  keep(item: ContentItem, octets: Uint8Array, now: Date, take: Take): Promise<string | undefined> {
    return this.turns.run(async () => {
      if (isExpired(item, now)) return `expired at ${item.expires}`;
      const there = this.items.get(item.key);
      if (there?.sha256 === item.sha256 && !isExpired(there, now)) return 'came before';
      const gone = this.evictedBy(item, now);
      await take([
        ...gone.flatMap(keysOf).map((key) => ({ type: 'delete' as const, key })),
        { type: 'put', key: ITEM + item.key, value: item },
        { type: 'put', key: OCTETS + item.key, value: octets },
      ]);
      for (const { key } of gone) this.items.delete(key);
      this.items.set(item.key, item);
      return undefined;
    });
  }

  /** What goes when one more comes: what it replaces, what has expired, then the oldest that stand in its way. */
  private evictedBy(item: ContentItem, now: Date): ContentItem[] {
    const items = [...this.items.values()];
    const isGone = (one: ContentItem) => one.key === item.key || isExpired(one, now);
    const left = items.filter((one) => !isGone(one));
    const ofChannel = left.filter(({ channel }) => channel === item.channel);
    const crowded = new Set(ofChannel.slice(0, Math.max(0, ofChannel.length - MAX_ITEMS_OF_CHANNEL + 1)));
    const others = left.filter((one) => !crowded.has(one));
    let count = others.length + 1;
    let octets = others.reduce((sum, { size }) => sum + size, item.size);
    for (const one of others) {
      if (count <= MAX_ITEMS && octets <= MAX_OCTETS) break;
      crowded.add(one);
      count -= 1;
      octets -= one.size;
    }
    return [...items.filter(isGone), ...crowded];
  }
}

function keysOf({ key }: ContentItem): string[] {
  return [ITEM + key, OCTETS + key];
}

function isExpired({ expires }: ContentItem, now: Date): boolean {
  return expires <= now.toISOString();
}
