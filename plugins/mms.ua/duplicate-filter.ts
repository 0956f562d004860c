/** What came before: an MMSC repeats what it tells until it is answered, and each is told once. */

import { type AppStorage, type StorageOperation, sha256, TaskQueue } from 'sip-push/sdk';

const PREFIX = 'seen/';
/** No MMSC repeats a notification for longer: messages themselves are kept for days. */
const KEPT_MILLISECONDS = 30 * 24 * 60 * 60 * 1000;
/** Bounds the storage, whatever comes in that time. */
const KEPT = 1000;
/** After a long silence many are overdue at once; a commit has its limit. */
const FORGOTTEN_AT_ONCE = 100;

/** @param key of one length, whatever a sender writes: a SHA-256 in hexadecimal. */
type Take = (operations: StorageOperation[], key: string) => Promise<void>;

export class DuplicateFilter {
  /** One after another: two of the same may come at once, and the second runs only if the first failed. */
  private readonly turns = new TaskQueue();

  /** @param received when each was received, by its storage key; the oldest first. */
  private constructor(private readonly received: Map<string, string>) {}

  static async open(storage: AppStorage): Promise<DuplicateFilter> {
    const kept: [key: string, receivedAt: string][] = [];
    for await (const [key, receivedAt] of storage.entries({ prefix: PREFIX })) {
      kept.push([key, String(receivedAt)]);
    }
    return new DuplicateFilter(new Map(kept.sort(([, one], [, other]) => Date.parse(one) - Date.parse(other))));
  }

  /**
   * Runs `take` unless the same came before, with what it must write for this one to be known from now on.
   * @param identity what two that are the same have in common
   * @returns whether `take` was run.
   */
  async once(identity: readonly string[], receivedAt: Date, take: Take): Promise<boolean> {
    const key = await sha256(JSON.stringify(identity));
    return this.turns.run(async () => {
      if (this.received.has(PREFIX + key)) return false;
      await this.take(key, receivedAt, take);
      return true;
    });
  }

  private async take(key: string, receivedAt: Date, take: Take): Promise<void> {
    const forgotten = this.overdue(receivedAt);
    const value = receivedAt.toISOString();
    await take(
      [
        { type: 'put', key: PREFIX + key, value },
        ...forgotten.map((old) => ({ type: 'delete' as const, key: old })),
      ],
      key,
    );
    this.received.set(PREFIX + key, value);
    for (const old of forgotten) this.received.delete(old);
  }

  /** Those to forget when one more is kept. */
  private overdue(now: Date): string[] {
    const oldest = new Date(now.getTime() - KEPT_MILLISECONDS).toISOString();
    const overdue: string[] = [];
    for (const [key, receivedAt] of this.received) {
      const tooMany = this.received.size - overdue.length >= KEPT;
      if ((!tooMany && receivedAt >= oldest) || overdue.length === FORGOTTEN_AT_ONCE) break;
      overdue.push(key);
    }
    return overdue;
  }
}
