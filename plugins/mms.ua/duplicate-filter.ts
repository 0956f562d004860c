/** Recognizes repeated PDUs. An MMSC repeats a PDU until the device answers. */

import type { AppStorage, Transaction } from 'sip-push/sdk';

const PREFIX = 'seen/';
/** MMSCs keep messages for days, and do not repeat a notification for longer than that. */
const MAX_AGE_MILLISECONDS = 30 * 24 * 60 * 60 * 1000;
/** Bounds the storage. */
const MAX_ENTRIES = 1000;
/** A transaction has a limit of operations, and many entries can become too old while no push arrives. */
const MAX_REMOVALS = 100;

export class DuplicateFilter {
  /** @param received time of receipt by key, oldest first. */
  private constructor(private readonly received: Map<string, string>) {}

  static async open(storage: AppStorage): Promise<DuplicateFilter> {
    const stored: [key: string, receivedAt: string][] = [];
    for await (const [key, receivedAt] of storage.entries({ prefix: PREFIX })) {
      stored.push([key.slice(PREFIX.length), String(receivedAt)]);
    }
    stored.sort(([, one], [, other]) => Date.parse(one) - Date.parse(other));
    return new DuplicateFilter(new Map(stored));
  }

  has(key: string): boolean {
    return this.received.has(key);
  }

  /** Adds a key, and removes keys that are too old or too many. The transaction must run alone. */
  add(tx: Transaction, key: string, receivedAt: Date): void {
    const evicted = this.evictedAt(receivedAt);
    tx.put(PREFIX + key, receivedAt.toISOString());
    for (const old of evicted) tx.delete(PREFIX + old);
    tx.afterCommit(() => {
      this.received.set(key, receivedAt.toISOString());
      for (const old of evicted) this.received.delete(old);
    });
  }

  /** The keys to remove when one is added. */
  private evictedAt(now: Date): string[] {
    const oldest = new Date(now.getTime() - MAX_AGE_MILLISECONDS).toISOString();
    const evicted: string[] = [];
    for (const [key, receivedAt] of this.received) {
      const tooMany = this.received.size - evicted.length >= MAX_ENTRIES;
      if ((!tooMany && receivedAt >= oldest) || evicted.length === MAX_REMOVALS) break;
      evicted.push(key);
    }
    return evicted;
  }
}
