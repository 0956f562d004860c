/** The entries of the ledger on disk, and the writes that change them. */

import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { ContentFiles } from '../../store/content-files.js';
import {
  CONTENT_PREFIX,
  type Durability,
  ENTRY_PREFIX,
  encodeJson,
  type Records,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import type { RuntimeLimits } from '../limits.js';
import type { DeliveryEvent, DeliveryListener } from './delivery-event.js';
import { Entries, LedgerFullError, PushEntry } from './entry.js';
import { FinishedPushes, type ForgottenListener } from './finished-pushes.js';
import { decodeEntry, enteredAt, type StoredEntry } from './stored-entry.js';

export interface LedgerStoreParts {
  readonly records: Records;
  readonly files: ContentFiles;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: LogSink;
  onForgotten?: ForgottenListener;
  onDelivery?: DeliveryListener;
}

/** Milliseconds between two reports that an application has no space. */
const REPORT_INTERVAL = 60_000;

/**
 * Every change of state is one write of the entry's key, which replaces the earlier state. Entries are in memory as
 * well, without their content, so that only finished pushes are searched on disk while pushes arrive.
 */
export class LedgerStore {
  readonly entries: Entries;
  /** When each application was last reported to have no space. */
  readonly #reportedFull = new Map<string, number>();

  private constructor(
    private readonly parts: LedgerStoreParts,
    readonly finishedPushes: FinishedPushes,
  ) {
    this.entries = new Entries(parts.limits);
  }

  /** Reads the entries that the store holds. @throws StoreError */
  static async open(parts: LedgerStoreParts): Promise<LedgerStore> {
    const store = new LedgerStore(parts, await FinishedPushes.open(parts));
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

  /**
   * Finishes pushes in one write. They have their entries until it is written.
   * @param write receives the operations. Rejects with what it rejects with: the pushes are not finished.
   */
  async finish(
    pushes: readonly PushEntry[],
    write: (operations: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    const ids = pushes.map(({ id }) => id);
    await this.finishedPushes.remember(ids, async (operations) => {
      for (const push of pushes) operations.push(...this.#deletions(push));
      await write(operations);
    });
    for (const push of pushes) this.forget(push);
  }

  /** Deletes the entry of a finished push from memory. */
  forget(push: PushEntry): void {
    this.entries.delete(push.id);
    push.state = 'unstored';
  }

  /** Deletes the entry of a push. @throws StoreError: the entry is deleted from memory nevertheless. */
  async delete(id: string): Promise<void> {
    this.entries.delete(id);
    await this.write([deletion(id)], 'written');
  }

  /** Removes the file that holds the content of a push, if there is one. */
  async removeFile({ record }: PushEntry): Promise<void> {
    if (record.file !== undefined) await this.parts.files.remove(record.file);
  }

  /** @throws StoreError */
  write(operations: readonly Write[], durability: Durability): Promise<void> {
    return this.parts.records.write(operations, durability);
  }

  /** @throws what `check` throws, after the host has learnt which application has no space. */
  requireSpace(check: (entries: Entries) => void): void {
    try {
      check(this.entries);
    } catch (error) {
      if (error instanceof LedgerFullError) this.#reportFull(error);
      throw error;
    }
  }

  emit(event: DeliveryEvent): void {
    this.parts.onDelivery?.(event);
  }

  warn({ id, record }: PushEntry, message: string): void {
    this.parts.log({ level: 'warn', app: record.app, message: `push ${id} ${message}`, push: id });
  }

  #reportFull({ app, full, message }: LedgerFullError): void {
    const { clock, log } = this.parts;
    const key = `${full} ${app}`;
    const last = this.#reportedFull.get(key) ?? Number.NEGATIVE_INFINITY;
    if (clock.elapsed() - last < REPORT_INTERVAL) return;
    this.#reportedFull.set(key, clock.elapsed());
    log({ level: 'warn', app, message: `new pushes are refused: ${message}` });
    this.emit({ event: 'full', app, store: full, reason: message });
  }

  #deletions({ id, state, record }: PushEntry): Write[] {
    const operations: Write[] = this.entries.get(id) ? [deletion(id)] : [];
    if (state !== 'unstored' && record.file === undefined)
      operations.push({ type: 'del', key: CONTENT_PREFIX + id });
    return operations;
  }

  #recover(id: string, stored: StoredEntry, bytes: number): void {
    if (stored.state === 'received' || stored.state === 'dead-letter') {
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
  return { type: 'put', key: ENTRY_PREFIX + id, value: encodeJson(entry) };
}

function deletion(id: string): Write {
  return { type: 'del', key: ENTRY_PREFIX + id };
}

export const LEDGER_STORE: InjectionToken<LedgerStore> = Symbol('ledger store');
