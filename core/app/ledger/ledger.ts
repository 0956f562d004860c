/** The ledger: every push that is received, referenced, partially transferred or finished. */

import { type Content, memoryContent } from '../../content/content.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import { CONTENT_FILES, type ContentFiles, type FileOwners } from '../../store/content-files.js';
import {
  CONTENT_PREFIX,
  ENTRY_PREFIX,
  encodeJson,
  type Records,
  StoreError,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import { busy, type Outcome, type Refusal, refused } from '../contract/outcome.js';
import { CLOCK, RECORDS } from '../foundations.js';
import { LOOKUP_WITHIN } from '../limits.js';
import type { Batch } from '../services/app-writes.js';
import { type Entries, PushEntry } from './entry.js';
import { LEDGER_STORE, type LedgerStore, putEntry } from './ledger-store.js';
import type { PartialTransfer, PushRecord, ReferenceRecord, StoredEntry } from './stored-entry.js';

@injectable()
export class Ledger {
  private readonly entries: Entries;
  /** Pushes that are arriving, in whatever mode. */
  private readonly arriving = new Set<string>();

  constructor(
    @inject(LEDGER_STORE) private readonly store: LedgerStore,
    @inject(RECORDS) private readonly records: Records,
    @inject(CONTENT_FILES) private readonly contentFiles: ContentFiles,
    @inject(CLOCK) private readonly clock: Clock,
  ) {
    this.entries = store.entries;
  }

  /**
   * Reserves a push for the request or the transfer that delivers it, before its outcome is looked up, so that the same
   * push in another mode waits. False when it is reserved.
   */
  reserve(id: string): boolean {
    if (this.arriving.has(id)) return false;
    this.arriving.add(id);
    return true;
  }

  release(id: string): void {
    this.arriving.delete(id);
  }

  /**
   * The answer to a sender that sends the push again. Undefined when the push is new, or when its content has not
   * arrived completely. @throws StoreError
   */
  async outcomeOf(id: string): Promise<Outcome | undefined> {
    const stored = this.entries.get(id);
    const finished = !(stored instanceof PushEntry) && (await this.isFinished(id));
    // It may have been received during the read.
    const entry = this.entries.get(id);
    if (entry instanceof PushEntry && entry.result?.accepted === false) {
      return refused(id, busy('it is being removed from the inbox'));
    }
    if (finished || entry instanceof PushEntry) return { accepted: true, pushId: id };
    return undefined;
  }

  /** A disk that hangs must not delay the answer. @throws StoreError */
  private isFinished(id: string): Promise<boolean> {
    const late = new StoreError('the store cannot read: it takes too long');
    return within(this.clock, LOOKUP_WITHIN, late, this.store.finishedPushes.has(id));
  }

  /** Milliseconds that hosts ran with this store. */
  get ticks(): number {
    return this.store.finishedPushes.ticks;
  }

  /** Resolves when the state of finished pushes is on disk. Never rejects. */
  close(): Promise<void> {
    return this.store.finishedPushes.close();
  }

  /** A push that waits for its application. */
  received(id: string): PushEntry | undefined {
    const entry = this.entries.get(id);
    return entry?.state === 'received' ? entry : undefined;
  }

  /** Pushes that wait for their applications. */
  *allReceived(): Iterable<PushEntry> {
    for (const entry of this.entries.values()) if (entry.state === 'received') yield entry;
  }

  /** References whose content is still to be retrieved. */
  *allReferences(): Iterable<ReferenceRecord> {
    for (const entry of this.entries.values()) if (entry.state === 'reference') yield entry.reference;
  }

  /** Confirmed pushes that are not accepted yet: with their content, or as references. */
  allConfirmed(): (PushRecord | ReferenceRecord)[] {
    return [...Array.from(this.allReceived(), ({ record }) => record), ...this.allReferences()];
  }

  /** Transfers that can be resumed, the one that was changed longest ago first. */
  *allPartialTransfers(): Iterable<PartialTransfer> {
    for (const entry of this.entries.values()) if (entry.state === 'partial-transfer') yield entry.transfer;
  }

  hasReference(id: string): boolean {
    return this.entries.get(id)?.state === 'reference';
  }

  partialTransfer(id: string): PartialTransfer | undefined {
    const entry = this.entries.get(id);
    return entry?.state === 'partial-transfer' ? entry.transfer : undefined;
  }

  /** The files that hold content, with their owners. */
  *files(): Iterable<[string, FileOwners]> {
    for (const entry of this.entries.values()) {
      if (entry.state === 'partial-transfer') yield [entry.transfer.file, entry.transfer];
      else if (entry instanceof PushEntry && entry.record.file !== undefined)
        yield [entry.record.file, entry.record];
    }
  }

  /** The content of a push; undefined when it is missing. */
  async content({ id, type, size, file }: PushRecord): Promise<Content | undefined> {
    if (file !== undefined) return this.contentFiles.content(type, file, size);
    const bytes = await this.records.get(CONTENT_PREFIX + id);
    return bytes && memoryContent(type, bytes);
  }

  /**
   * @param bytes of another push.
   * @param confirmed its sender has the answer that it is accepted.
   * @throws LedgerFullError when the application has no space for it.
   */
  requireSpace(app: string, bytes: number, confirmed = false): void {
    this.store.requireSpace((entries) => {
      entries.requireInboxSpace(app, bytes);
      if (!confirmed) entries.requireDeadLetterSpace(app);
    });
  }

  /**
   * Stores a push that is to be confirmed, in place of its reference, its partial transfer or its dead letter. The push
   * is on disk when the promise resolves.
   * @param content absent: it is on disk already.
   * @throws LedgerFullError, or StoreError when the store does not write.
   */
  async receive(entry: PushEntry, content?: Uint8Array): Promise<void> {
    const { id, record } = entry;
    const value = encodeJson({ state: 'received', push: record } satisfies StoredEntry);
    const bytes = value.length + (record.file === undefined ? record.size : 0);
    const before = this.entries.get(id);
    // The sender has the answer that it is accepted already.
    const confirmed = before?.state === 'reference' || before?.state === 'dead-letter';
    this.requireSpace(record.app, bytes, confirmed);
    if (before?.state === 'reference') entry.reference = before.reference;
    entry.inboxBytes = bytes;
    const operations: Write[] = [{ type: 'put', key: ENTRY_PREFIX + id, value }];
    if (content) operations.push({ type: 'put', key: CONTENT_PREFIX + id, value: content });
    await this.store.transition(entry, 'received', operations);
  }

  /**
   * Writes a new number of attempts; the write need not survive a loss of power. Without effect when the push is
   * finished, or when a commit finishes it meanwhile.
   */
  async update(entry: PushEntry, record: PushRecord): Promise<void> {
    while (entry.committing) await entry.committing.catch(() => {});
    if (entry.result || entry.state !== 'received') return;
    await this.store.write([putEntry(record.id, { state: 'received', push: record })], 'written');
    entry.record = record;
  }

  /**
   * Finishes a push and writes the operations of its application, in one write.
   * @throws what `batch` throws: nothing is written then.
   */
  async commit(entry: PushEntry, batch: Batch): Promise<void> {
    await this.store.finish([entry], (operations) => batch.write(operations));
    entry.finish({ accepted: true });
    await this.store.removeFile(entry);
  }

  /** `receive` resolved without a commit. After a loss of power, the application may receive the push again. */
  async accept(entry: PushEntry): Promise<void> {
    if (!entry.finish({ accepted: true })) return;
    try {
      await this.store.finish([entry], (operations) => this.store.write(operations, 'written'));
    } catch (error) {
      // Accepted, even if this write failed. The push is then redelivered after a restart.
      this.store.finishedPushes.rememberUnwritten(entry.id);
      this.store.forget(entry);
      this.store.warn(entry, `was accepted, but could not be recorded: ${reasonOf(error)}`);
    }
    await this.store.removeFile(entry);
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
      await this.store.write(operations, 'written');
    } catch (error) {
      this.store.warn(entry, `was refused, but is still on disk: ${reasonOf(error)}`);
    }
    if (this.entries.get(id) !== entry) return;
    this.entries.delete(id);
    entry.state = 'unstored';
    if (stored) this.entries.set(id, stored);
  }

  /**
   * Stores a reference, in place of an earlier one of the push.
   * @throws LedgerFullError, or StoreError when the store does not write.
   */
  async addReference(reference: ReferenceRecord): Promise<void> {
    const { id, app } = reference;
    const before = this.entries.get(id);
    if (before?.state !== 'reference') {
      this.store.requireSpace((entries) => {
        entries.requireReferenceSpace(app);
        entries.requireDeadLetterSpace(app);
      });
    }
    if (before instanceof PushEntry && before.result?.accepted !== false) {
      // Its content is stored. When the application refuses it, the reference is stored instead.
      before.reference = reference;
      return;
    }
    if (await this.isFinished(id)) return;
    const entry = { state: 'reference', reference } as const;
    this.entries.set(id, entry);
    try {
      await this.store.write([putEntry(id, entry)], 'synced');
    } catch (error) {
      if (this.entries.get(id) === entry) {
        this.entries.delete(id);
        if (before) this.entries.set(id, before);
      }
      throw error;
    }
  }

  /** @throws StoreError: the reference is forgotten nevertheless, until the next start. */
  async removeReference(id: string): Promise<void> {
    if (this.hasReference(id)) await this.store.delete(id);
  }

  /**
   * The write survives the end of the process; after a loss of power, an earlier state may be on disk.
   * @throws StoreError
   */
  async putPartialTransfer(transfer: Omit<PartialTransfer, 'changedAt'>): Promise<void> {
    const { id } = transfer;
    // A commit was written while its transfer was abandoned.
    if (await this.outcomeOf(id)) return;
    const changed = { ...transfer, changedAt: this.ticks };
    const entry = { state: 'partial-transfer', transfer: changed } as const;
    this.entries.set(id, entry);
    await this.store.write([putEntry(id, entry)], 'written');
  }

  /** @throws StoreError: the transfer is forgotten nevertheless, until the next start. */
  async removePartialTransfer(id: string): Promise<void> {
    if (this.partialTransfer(id)) await this.store.delete(id);
  }
}

export const LEDGER: InjectionToken<Ledger> = Symbol('ledger');
