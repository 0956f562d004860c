/** The entries of the ledger in memory and on disk, and the writes that change them. */

import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { ContentFiles } from '../../store/content-files.js';
import {
  CONTENT_PREFIX,
  type Durability,
  ENTRY_PREFIX,
  type Records,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import type { RuntimeLimits } from '../limits.js';
import { Entries } from './entries.js';
import { decodeEntry, encodeEntry, enteredAt, PushEntry, type StoredEntry } from './entry.js';

export interface LedgerStoreParts {
  readonly records: Records;
  readonly files: ContentFiles;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: LogSink;
}

/**
 * Every change of state is one write of the entry's key, which replaces the earlier state. Entries are in memory as
 * well, without their content, so that nothing is searched on disk while pushes arrive.
 */
export class LedgerStore {
  readonly entries: Entries;

  private constructor(private readonly parts: LedgerStoreParts) {
    this.entries = new Entries(parts.clock, parts.limits);
  }

  /** Reads the entries that the store holds. @throws StoreError */
  static async open(parts: LedgerStoreParts): Promise<LedgerStore> {
    const store = new LedgerStore(parts);
    const found: { id: string; stored: StoredEntry; bytes: number }[] = [];
    for await (const [id, bytes] of parts.records.entries(ENTRY_PREFIX)) {
      try {
        found.push({ id, stored: decodeEntry(bytes), bytes: bytes.length });
      } catch (error) {
        // The entry stays in the store, where a person can examine it.
        parts.log({ level: 'error', message: `the entry of push ${id} is skipped: ${reasonOf(error)}` });
      }
    }
    found.sort((one, other) => enteredAt(one.stored) - enteredAt(other.stored));
    for (const { id, stored, bytes } of found) store.#recover(id, stored, bytes);
    return store;
  }

  /**
   * Moves a push to another state, with a write that survives a loss of power. Memory changes first, so that other calls
   * see the new state. The change is undone when the write fails.
   * @throws StoreError
   */
  async transition(entry: PushEntry, state: PushEntry['state'], operations: readonly Write[]): Promise<void> {
    const { id, state: stateBefore } = entry;
    const before = this.entries.get(id);
    this.entries.delete(id);
    entry.state = state;
    this.entries.set(id, entry);
    try {
      await this.write(operations, 'synced');
    } catch (error) {
      // A commit of an earlier delivery may have finished it meanwhile.
      if (this.entries.get(id) === entry) {
        this.entries.delete(id);
        entry.state = stateBefore;
        if (before) this.entries.set(id, before);
      }
      throw error;
    }
  }

  /** The operations that finish a push. Call `finished` when they are written, or certain to be written. */
  finishing({ id, state, record }: PushEntry, at: number): Write[] {
    // A purge of an expired entry of the same push would delete the new one.
    this.entries.unfinish(id);
    const operations = [putEntry(id, { state: 'done', at })];
    const inStore = state !== 'unstored' && record.file === undefined;
    if (inStore) operations.push({ type: 'del', key: CONTENT_PREFIX + id });
    return operations;
  }

  /** The push is finished: its entry in another state is removed from memory. */
  finished(entry: PushEntry, at: number): void {
    this.entries.finish(entry.id, at);
    entry.state = 'unstored';
  }

  /** Deletes the entry of a push. @throws StoreError: the entry is deleted from memory nevertheless. */
  async delete(id: string): Promise<void> {
    this.entries.delete(id);
    await this.write([{ type: 'del', key: ENTRY_PREFIX + id }], 'written');
  }

  /** Removes the file that holds the content of a push, if there is one. */
  async removeFile({ record }: PushEntry): Promise<void> {
    if (record.file !== undefined) await this.parts.files.remove(record.file);
  }

  /** Writes the operations, and deletes a few old entries with them. @throws StoreError */
  write(operations: readonly Write[], durability: Durability): Promise<void> {
    const purged = this.entries.purge();
    return this.parts.records.write([...operations, ...purged.map(deletion)], durability);
  }

  /** Deletes a few old entries, when nothing else is written. Never rejects. */
  purge(): void {
    const purged = this.entries.purge();
    // An entry that is not deleted now is purged after the next start.
    if (purged.length > 0) this.parts.records.write(purged.map(deletion), 'written').catch(() => {});
  }

  warn({ id, record }: PushEntry, message: string): void {
    this.parts.log({ level: 'warn', app: record.app, message: `push ${id} ${message}`, push: id });
  }

  #recover(id: string, stored: StoredEntry, bytes: number): void {
    if (stored.state === 'done') {
      this.entries.finish(id, stored.at);
    } else if (stored.state === 'received' || stored.state === 'dead-letter') {
      const { push } = stored;
      const entry = new PushEntry(push, true);
      entry.state = stored.state;
      entry.answered = true;
      entry.inboxBytes = bytes + (push.file === undefined ? push.size : 0);
      if (stored.state === 'dead-letter') entry.dead = { since: stored.deadSince, reason: stored.reason };
      this.entries.set(id, entry);
    } else {
      this.entries.set(id, stored);
    }
  }
}

export function putEntry(id: string, entry: StoredEntry): Write {
  return { type: 'put', key: ENTRY_PREFIX + id, value: encodeEntry(entry) };
}

function deletion(id: string): Write {
  return { type: 'del', key: ENTRY_PREFIX + id };
}

export const LEDGER_STORE: InjectionToken<LedgerStore> = Symbol('ledger store');
