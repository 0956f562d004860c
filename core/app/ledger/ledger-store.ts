/** The entries of the ledger in memory and on disk, and the writes that change them. */

import { LimitError } from '../../errors.js';
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
import {
  decodeEntry,
  encodeEntry,
  enteredAt,
  PushEntry,
  type PushRecord,
  type StoredEntry,
} from './entry.js';
import { FinishedPushes, type ForgottenListener } from './finished-pushes.js';

export interface LedgerStoreParts {
  readonly records: Records;
  readonly files: ContentFiles;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: LogSink;
  onForgotten?: ForgottenListener;
}

/** The ledger has no space for another push. */
export class LedgerFullError extends LimitError {}

/** The entry of a push that is not finished. */
export type Entry = PushEntry | Extract<StoredEntry, { state: 'reference' | 'partial-transfer' }>;

interface Usage {
  count: number;
  /** Bytes in the store, and in files. */
  bytes: number;
  fileBytes: number;
}

/** The entries in memory, with their bounds. */
export class Entries {
  /** Those of one state are in the order in which they entered it. */
  readonly #entries = new Map<string, Entry>();
  readonly #usage: { readonly [State in Entry['state']]: Usage } = {
    unstored: { count: 0, bytes: 0, fileBytes: 0 },
    received: { count: 0, bytes: 0, fileBytes: 0 },
    'dead-letter': { count: 0, bytes: 0, fileBytes: 0 },
    reference: { count: 0, bytes: 0, fileBytes: 0 },
    'partial-transfer': { count: 0, bytes: 0, fileBytes: 0 },
  };

  constructor(private readonly limits: RuntimeLimits) {}

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The oldest of each state first. */
  values(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** In place of the push's entry in another state. */
  set(id: string, entry: Entry): void {
    this.delete(id);
    this.#entries.set(id, entry);
    this.#count(entry, 1);
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#count(entry, -1);
    this.#entries.delete(id);
  }

  /** @throws LedgerFullError when the inbox has no space for another push of that many bytes. */
  requireInboxSpace(bytes: number): void {
    const { inboxCount, inboxBytes } = this.limits;
    const { received } = this.#usage;
    if (received.count >= inboxCount) {
      throw new LedgerFullError(`the inbox holds ${inboxCount} pushes, the limit`);
    }
    if (received.bytes + bytes > inboxBytes) {
      throw new LedgerFullError(
        `the inbox holds ${received.bytes} bytes; ${bytes} more exceed the limit of ${inboxBytes}`,
      );
    }
  }

  /** @throws LedgerFullError when there is no space for another reference. */
  requireReferenceSpace(): void {
    const { references } = this.limits;
    if (this.#usage.reference.count < references) return;
    throw new LedgerFullError(`${references} references wait for their content, the limit`);
  }

  /** The oldest dead letters, as many as leave no space for this one. */
  excessDeadLetters({ size, file }: PushRecord): PushEntry[] {
    const { deadLetterCount, deadLetterBytes, deadLetterFileBytes } = this.limits;
    const usage = { ...this.#usage['dead-letter'] };
    usage.count++;
    if (file === undefined) usage.bytes += size;
    else usage.fileBytes += size;
    const excess: PushEntry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'dead-letter') continue;
      const inFile = entry.record.file !== undefined;
      const tooMany = usage.count > deadLetterCount;
      const tooLarge = inFile ? usage.fileBytes > deadLetterFileBytes : usage.bytes > deadLetterBytes;
      if (!tooMany && !tooLarge) continue;
      excess.push(entry);
      usage.count--;
      if (inFile) usage.fileBytes -= entry.record.size;
      else usage.bytes -= entry.record.size;
    }
    return excess;
  }

  #count(entry: Entry, sign: 1 | -1): void {
    const usage = this.#usage[entry.state];
    usage.count += sign;
    if (!(entry instanceof PushEntry)) return;
    const { size, file } = entry.record;
    if (entry.state === 'received') usage.bytes += sign * entry.inboxBytes;
    else if (file === undefined) usage.bytes += sign * size;
    else usage.fileBytes += sign * size;
  }
}

/**
 * Every change of state is one write of the entry's key, which replaces the earlier state. Entries are in memory as
 * well, without their content, so that only finished pushes are searched on disk while pushes arrive.
 */
export class LedgerStore {
  readonly entries: Entries;

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

  warn({ id, record }: PushEntry, message: string): void {
    this.parts.log({ level: 'warn', app: record.app, message: `push ${id} ${message}`, push: id });
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
  return { type: 'put', key: ENTRY_PREFIX + id, value: encodeEntry(entry) };
}

function deletion(id: string): Write {
  return { type: 'del', key: ENTRY_PREFIX + id };
}

export const LEDGER_STORE: InjectionToken<LedgerStore> = Symbol('ledger store');
