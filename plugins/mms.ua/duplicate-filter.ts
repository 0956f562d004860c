/** Recognizes repeated PDUs. An MMSC repeats a PDU until the device answers. */

import { type AppStorage, type StorageOperation, sha256, TaskQueue } from 'sip-push/sdk';

const PREFIX = 'seen/';
/** MMSCs keep messages for days, and do not repeat a notification for longer than that. */
const MAX_AGE_MILLISECONDS = 30 * 24 * 60 * 60 * 1000;
/** Bounds the storage. */
const MAX_ENTRIES = 1000;
/** A commit has a limit of operations, and many entries can become too old while no push arrives. */
const MAX_REMOVALS = 100;

/**
 * Handles a new PDU, and writes the operations.
 * @param key SHA-256 of its identity in hexadecimal, so that its length does not depend on the sender.
 */
type Accept = (operations: StorageOperation[], key: string) => Promise<void>;

export class DuplicateFilter {
  /** Two copies of a PDU can arrive concurrently. The second is handled only if the first failed. */
  private readonly queue = new TaskQueue();

  /** @param received time of receipt by storage key, oldest first. */
  private constructor(private readonly received: Map<string, string>) {}

  static async open(storage: AppStorage): Promise<DuplicateFilter> {
    const stored: [key: string, receivedAt: string][] = [];
    for await (const [key, receivedAt] of storage.entries({ prefix: PREFIX })) {
      stored.push([key, String(receivedAt)]);
    }
    return new DuplicateFilter(
      new Map(stored.sort(([, one], [, other]) => Date.parse(one) - Date.parse(other))),
    );
  }

  /**
   * Calls `accept` unless the PDU is a duplicate.
   * @param identity values that are equal in a PDU and its repetitions.
   * @returns whether `accept` was called.
   */
  async once(identity: readonly string[], receivedAt: Date, accept: Accept): Promise<boolean> {
    const key = await sha256(JSON.stringify(identity));
    return this.queue.run(async () => {
      if (this.received.has(PREFIX + key)) return false;
      await this.add(key, receivedAt, accept);
      return true;
    });
  }

  private async add(key: string, receivedAt: Date, accept: Accept): Promise<void> {
    const evicted = this.evictedAt(receivedAt);
    const value = receivedAt.toISOString();
    await accept(
      [
        { type: 'put', key: PREFIX + key, value },
        ...evicted.map((old) => ({ type: 'delete' as const, key: old })),
      ],
      key,
    );
    this.received.set(PREFIX + key, value);
    for (const old of evicted) this.received.delete(old);
  }

  /** The entries to remove when one is added. */
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
