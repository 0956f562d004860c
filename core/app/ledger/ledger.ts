/** The ledger: one entry for each push, in every state, on disk and in memory. */

import { type Content, memoryContent } from '../../content/content.js';
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
import { busy, type Outcome, type Refusal, refused } from '../contract/outcome.js';
import type { RuntimeLimits } from '../limits.js';
import type { Batch } from '../services/app-writes.js';
import { Entries, type Entry } from './entries.js';
import {
  decodeEntry,
  encodeEntry,
  enteredAt,
  type PartialTransfer,
  PushEntry,
  type PushRecord,
  type ReferenceRecord,
  type StoredEntry,
} from './entry.js';

export interface LedgerParts {
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
export class Ledger {
  readonly #entries: Entries;

  private constructor(private readonly parts: LedgerParts) {
    this.#entries = new Entries(parts.clock, parts.limits);
  }

  /** Reads the entries that the store holds. @throws StoreError */
  static async open(parts: LedgerParts): Promise<Ledger> {
    const ledger = new Ledger(parts);
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
    for (const { id, stored, bytes } of found) ledger.#recover(id, stored, bytes);
    return ledger;
  }

  /**
   * The answer to a sender that sends the push again. Undefined when the push is new, or when its content has not
   * arrived completely.
   */
  outcomeOf(id: string): Outcome | undefined {
    const entry = this.#entries.get(id);
    if (entry instanceof PushEntry && entry.result?.accepted === false) {
      return refused(id, busy('it is being removed from the inbox'));
    }
    if (entry instanceof PushEntry || this.#entries.isDone(id)) return { accepted: true, pushId: id };
    return undefined;
  }

  /** A push that waits for its application. */
  received(id: string): PushEntry | undefined {
    const entry = this.#entries.get(id);
    return entry?.state === 'received' ? entry : undefined;
  }

  /** Pushes that wait for their applications. */
  *allReceived(): Iterable<PushEntry> {
    for (const entry of this.#entries.values()) if (entry.state === 'received') yield entry;
  }

  /** The oldest first. */
  *allDeadLetters(): Iterable<PushEntry> {
    for (const entry of this.#entries.values()) if (entry.state === 'dead-letter') yield entry;
  }

  /** References whose content is still to be retrieved. */
  *allReferences(): Iterable<ReferenceRecord> {
    for (const entry of this.#entries.values()) if (entry.state === 'reference') yield entry.reference;
  }

  /** Transfers that can be resumed, the one that was changed longest ago first. */
  *allPartialTransfers(): Iterable<PartialTransfer> {
    for (const entry of this.#entries.values()) if (entry.state === 'partial-transfer') yield entry.transfer;
  }

  hasReference(id: string): boolean {
    return this.#entries.get(id)?.state === 'reference';
  }

  partialTransfer(id: string): PartialTransfer | undefined {
    const entry = this.#entries.get(id);
    return entry?.state === 'partial-transfer' ? entry.transfer : undefined;
  }

  /** The files that hold content. */
  *files(): Iterable<string> {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'partial-transfer') yield entry.transfer.file;
      else if (entry instanceof PushEntry && entry.record.file !== undefined) yield entry.record.file;
    }
  }

  /** Undefined when the content is missing. */
  async content({ id, type, size, file }: PushRecord): Promise<Content | undefined> {
    if (file !== undefined) return this.parts.files.content(type, file, size);
    const bytes = await this.parts.records.get(CONTENT_PREFIX + id);
    return bytes && memoryContent(type, bytes);
  }

  /**
   * Stores a push that is to be confirmed, in place of its reference, its partial transfer or its dead letter. The push
   * is on disk when the promise resolves.
   * @param content absent: it is on disk already.
   * @throws LedgerFullError, or StoreError when the store does not write.
   */
  async receive(entry: PushEntry, content?: Uint8Array): Promise<void> {
    const { id, record } = entry;
    const value = encodeEntry({ state: 'received', push: record });
    const bytes = value.length + (record.file === undefined ? record.size : 0);
    this.#entries.requireInboxSpace(bytes);
    const before = this.#entries.get(id);
    if (before?.state === 'reference') entry.reference = before.reference;
    entry.inboxBytes = bytes;
    const operations: Write[] = [{ type: 'put', key: ENTRY_PREFIX + id, value }];
    if (content) operations.push({ type: 'put', key: CONTENT_PREFIX + id, value: content });
    await this.#transition(entry, 'received', operations);
  }

  /**
   * Writes a new number of attempts; the write need not survive a loss of power. Without effect when the push is
   * finished, or when a commit finishes it meanwhile.
   */
  async update(entry: PushEntry, record: PushRecord): Promise<void> {
    while (entry.committing) await entry.committing.catch(() => {});
    if (entry.result || entry.state !== 'received') return;
    await this.#write([putEntry(record.id, { state: 'received', push: record })], 'written');
    entry.record = record;
  }

  /**
   * Finishes a push and writes the operations of its application, in one write.
   * @throws what `batch` throws: nothing is written then.
   */
  async commit(entry: PushEntry, batch: Batch): Promise<void> {
    const at = this.parts.clock.now();
    await batch.write(this.#finishing(entry, at));
    this.#finished(entry, at);
    entry.finish({ accepted: true });
    await this.#removeFile(entry);
    // Old entries are deleted when a durable push is stored; a direct one is not.
    if (!entry.durable) this.#purge();
  }

  /** `receive` resolved without a commit. After a loss of power, the application may receive the push again. */
  async accept(entry: PushEntry): Promise<void> {
    if (!entry.finish({ accepted: true })) return;
    const at = this.parts.clock.now();
    const operations = this.#finishing(entry, at);
    this.#finished(entry, at);
    try {
      await this.#write(operations, 'written');
    } catch (error) {
      // Accepted, even if this write failed. The push is then redelivered after a restart.
      this.#warn(entry, `was accepted, but could not be recorded: ${reasonOf(error)}`);
    }
    await this.#removeFile(entry);
  }

  /**
   * The sender learns of the refusal, so nothing stays in the inbox: a retry is a new decision. The transfer decides
   * what happens to its file.
   */
  async refuse(entry: PushEntry, refusal: Refusal): Promise<void> {
    await entry.committing?.catch(() => {});
    if (entry.finish({ accepted: false, refusal }) && entry.state !== 'unstored') await this.remove(entry);
  }

  /** Removes a push that was refused, and stores the reference to its content again, if it has one. Never rejects. */
  async remove(entry: PushEntry): Promise<void> {
    const { id, record, reference } = entry;
    const stored = reference && ({ state: 'reference', reference } as const);
    const operations: Write[] = [stored ? putEntry(id, stored) : { type: 'del', key: ENTRY_PREFIX + id }];
    if (record.file === undefined) operations.push({ type: 'del', key: CONTENT_PREFIX + id });
    try {
      await this.#write(operations, 'written');
    } catch (error) {
      this.#warn(entry, `was refused, but is still on disk: ${reasonOf(error)}`);
    }
    if (this.#entries.get(id) !== entry) return;
    this.#entries.delete(id);
    entry.state = 'unstored';
    if (stored) this.#entries.set(id, stored);
  }

  /**
   * The sender has the answer that the push is accepted, but the application does not accept it.
   * @throws StoreError
   */
  async moveToDeadLetters(entry: PushEntry, reason: string): Promise<void> {
    await entry.committing?.catch(() => {});
    if (entry.result || entry.state !== 'received') return;
    const { id, record } = entry;
    const now = this.parts.clock.now();
    const dropped = this.#entries.excessDeadLetters(record);
    entry.dead = { since: now, reason };
    await this.#transition(entry, 'dead-letter', [
      putEntry(id, { state: 'dead-letter', push: record, deadSince: now, reason }),
      ...dropped.flatMap((oldest) => this.#finishing(oldest, now)),
    ]);
    for (const oldest of dropped) {
      this.#finished(oldest, now);
      await this.#removeFile(oldest);
      this.#warn(oldest, 'was dropped: it was the oldest dead letter, and a new one needs the space');
    }
    this.#warn(entry, `is a dead letter after ${record.attempts} deliveries: ${reason}`);
  }

  /**
   * Returns a dead letter to the inbox, with as many attempts as any other push.
   * @returns undefined when there is no such dead letter.
   * @throws LedgerFullError, StoreError: the push is still a dead letter.
   */
  async revive(id: string): Promise<PushEntry | undefined> {
    const entry = await this.#deadLetter(id);
    // It may have changed since the promise resolved.
    if (entry?.state !== 'dead-letter') return undefined;
    const { record } = entry;
    entry.record = { ...record, attempts: 0, interrupted: undefined };
    try {
      await this.receive(entry);
    } catch (error) {
      entry.record = record;
      throw error;
    }
    return entry;
  }

  /** @returns false when there is no such dead letter. @throws StoreError: the push is still a dead letter. */
  async drop(id: string): Promise<boolean> {
    const entry = await this.#deadLetter(id);
    if (entry?.state !== 'dead-letter') return false;
    const at = this.parts.clock.now();
    const operations = this.#finishing(entry, at);
    await this.#transition(entry, 'unstored', operations);
    this.#finished(entry, at);
    await this.#removeFile(entry);
    return true;
  }

  /** @throws LedgerFullError, or StoreError when the store does not write. */
  async addReference(reference: ReferenceRecord): Promise<void> {
    const { id } = reference;
    this.#entries.requireReferenceSpace();
    const before = this.#entries.get(id);
    if (before instanceof PushEntry && before.result?.accepted !== false) {
      // Its content is stored. When the application refuses it, the reference is stored instead.
      before.reference = reference;
      return;
    }
    if (this.#entries.isDone(id)) return;
    const entry = { state: 'reference', reference } as const;
    this.#entries.set(id, entry);
    try {
      await this.#write([putEntry(id, entry)], 'synced');
    } catch (error) {
      if (this.#entries.get(id) === entry) this.#entries.delete(id);
      throw error;
    }
  }

  /** @throws StoreError: the reference is forgotten nevertheless, until the next start. */
  async removeReference(id: string): Promise<void> {
    if (this.hasReference(id)) await this.#delete(id);
  }

  /**
   * The write survives the end of the process; after a loss of power, an earlier state may be on disk.
   * @throws StoreError
   */
  async putPartialTransfer(transfer: PartialTransfer): Promise<void> {
    const { id } = transfer;
    // A commit was written while its transfer was abandoned.
    if (this.outcomeOf(id)) return;
    const changed = { ...transfer, changedAt: this.parts.clock.now() };
    const entry = { state: 'partial-transfer', transfer: changed } as const;
    this.#entries.set(id, entry);
    await this.#write([putEntry(id, entry)], 'written');
  }

  /** @throws StoreError: the transfer is forgotten nevertheless, until the next start. */
  async removePartialTransfer(id: string): Promise<void> {
    if (this.partialTransfer(id)) await this.#delete(id);
  }

  #recover(id: string, stored: StoredEntry, bytes: number): void {
    if (stored.state === 'done') {
      this.#entries.finish(id, stored.at);
    } else if (stored.state === 'received' || stored.state === 'dead-letter') {
      const { push } = stored;
      const entry = new PushEntry(push, true);
      entry.state = stored.state;
      entry.answered = true;
      entry.inboxBytes = bytes + (push.file === undefined ? push.size : 0);
      if (stored.state === 'dead-letter') entry.dead = { since: stored.deadSince, reason: stored.reason };
      this.#entries.set(id, entry);
    } else {
      this.#entries.set(id, stored);
    }
  }

  /** Resolves when no commit of an earlier delivery is being written. */
  async #deadLetter(id: string): Promise<Entry | undefined> {
    for (;;) {
      const entry = this.#entries.get(id);
      if (!(entry instanceof PushEntry) || !entry.committing) return entry;
      await entry.committing.catch(() => {});
    }
  }

  /** Memory changes first, so that others see the new state. The change is undone when the write fails. */
  async #transition(
    entry: PushEntry,
    state: PushEntry['state'],
    operations: readonly Write[],
  ): Promise<void> {
    const { id, state: stateBefore } = entry;
    const before = this.#entries.get(id);
    this.#entries.delete(id);
    entry.state = state;
    this.#entries.set(id, entry);
    try {
      await this.#write(operations, 'synced');
    } catch (error) {
      // Unless a commit of an earlier delivery finished it meanwhile.
      if (this.#entries.get(id) === entry) {
        this.#entries.delete(id);
        entry.state = stateBefore;
        if (before) this.#entries.set(id, before);
      }
      throw error;
    }
  }

  /** The operations that finish a push. `#finished` follows when they are written, or sure to be. */
  #finishing({ id, state, record }: PushEntry, at: number): Write[] {
    // A purge of its expired entry could otherwise follow this write, and delete the new one.
    this.#entries.unfinish(id);
    const operations = [putEntry(id, { state: 'done', at })];
    const inStore = state !== 'unstored' && record.file === undefined;
    if (inStore) operations.push({ type: 'del', key: CONTENT_PREFIX + id });
    return operations;
  }

  #finished(entry: PushEntry, at: number): void {
    this.#entries.finish(entry.id, at);
    entry.state = 'unstored';
  }

  async #delete(id: string): Promise<void> {
    this.#entries.delete(id);
    await this.#write([{ type: 'del', key: ENTRY_PREFIX + id }], 'written');
  }

  async #removeFile({ record }: PushEntry): Promise<void> {
    if (record.file !== undefined) await this.parts.files.remove(record.file);
  }

  #write(operations: readonly Write[], durability: Durability): Promise<void> {
    const purged = this.#entries.purge();
    return this.parts.records.write([...operations, ...purged.map(deletion)], durability);
  }

  #purge(): void {
    const purged = this.#entries.purge();
    // An entry that is not deleted now is purged after the next start.
    if (purged.length > 0) this.parts.records.write(purged.map(deletion), 'written').catch(() => {});
  }

  #warn({ id, record }: PushEntry, message: string): void {
    this.parts.log({ level: 'warn', app: record.app, message: `push ${id} ${message}` });
  }
}

function putEntry(id: string, entry: StoredEntry): Write {
  return { type: 'put', key: ENTRY_PREFIX + id, value: encodeEntry(entry) };
}

function deletion(id: string): Write {
  return { type: 'del', key: ENTRY_PREFIX + id };
}

export const LEDGER: InjectionToken<Ledger> = Symbol('ledger');
