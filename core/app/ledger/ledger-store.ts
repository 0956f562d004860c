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
  shareOf,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import type { RuntimeLimits } from '../limits.js';
import type { DeliveryEvent, DeliveryListener, FullStore } from './delivery-event.js';
import { decodeEntry, encodeEntry, enteredAt, PushEntry, type StoredEntry } from './entry.js';
import { FinishedPushes, type ForgottenListener } from './finished-pushes.js';

export interface LedgerStoreParts {
  readonly records: Records;
  readonly files: ContentFiles;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: LogSink;
  onForgotten?: ForgottenListener;
  onDelivery?: DeliveryListener;
}

/** Milliseconds between two events that an application has no space. */
const REPORT_INTERVAL = 60_000;

/** An application has used up its share: its pushes are refused. */
export class LedgerFullError extends LimitError {
  static {
    LedgerFullError.prototype.name = 'LedgerFullError';
  }

  constructor(
    readonly app: string,
    readonly full: FullStore,
    message: string,
  ) {
    super(`${app} ${message}`);
  }
}

/** The entry of a push that is not finished. */
export type Entry = PushEntry | Extract<StoredEntry, { state: 'reference' | 'partial-transfer' }>;

interface Usage {
  count: number;
  /** Bytes in the store, and in files. */
  bytes: number;
  fileBytes: number;
}

/** The entries in memory, with the share of each application. */
export class Entries {
  /** Those of one state are in the order in which they entered it. */
  readonly #entries = new Map<string, Entry>();
  /** By state, and by state and application. */
  readonly #usage = new Map<string, Usage>();

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

  /** @throws LedgerFullError when the application's share of the inbox has no space for another push of that many bytes. */
  requireInboxSpace(app: string, bytes: number): void {
    const { inboxCount, inboxBytes } = this.limits;
    const { own, share } = this.#sharesOf('received', app);
    const count = share(inboxCount, 'count');
    if (own.count >= count) {
      throw new LedgerFullError(app, 'inbox', `has ${own.count} pushes in the inbox: its share is ${count}`);
    }
    const most = share(inboxBytes, 'bytes');
    if (own.bytes + bytes > most) {
      const problem = `has ${own.bytes} bytes in the inbox, and ${bytes} more exceed its share of ${most}`;
      throw new LedgerFullError(app, 'inbox', problem);
    }
  }

  /** @throws LedgerFullError when the application has no space for another reference. */
  requireReferenceSpace(app: string): void {
    const { own, share } = this.#sharesOf('reference', app);
    const count = share(this.limits.references, 'count');
    if (own.count < count) return;
    const problem = `has ${own.count} references that wait for their content: its share is ${count}`;
    throw new LedgerFullError(app, 'references', problem);
  }

  /**
   * A push that is confirmed can become a dead letter, so none is confirmed when the share of dead letters is used up.
   * Those confirmed before become dead letters nevertheless.
   * @throws LedgerFullError
   */
  requireDeadLetterSpace(app: string): void {
    const { deadLetterCount, deadLetterBytes, deadLetterFileBytes } = this.limits;
    const { own, share } = this.#sharesOf('dead-letter', app);
    const full =
      own.count >= share(deadLetterCount, 'count') ||
      own.bytes >= share(deadLetterBytes, 'bytes') ||
      own.fileBytes >= share(deadLetterFileBytes, 'fileBytes');
    if (!full) return;
    const problem = `has ${own.count} dead letters of ${own.bytes + own.fileBytes} bytes, its share: redeliver or drop them`;
    throw new LedgerFullError(app, 'dead-letters', problem);
  }

  /** What an application uses in a state, and its share of a limit. */
  #sharesOf(
    state: Entry['state'],
    app: string,
  ): { own: Usage; share: (limit: number, of: keyof Usage) => number } {
    const own = this.#usageOf(`${state} ${app}`);
    const all = this.#usageOf(state);
    return { own, share: (limit, of) => shareOf(limit, all[of] - own[of]) };
  }

  #usageOf(key: string): Usage {
    const known = this.#usage.get(key);
    if (known) return known;
    const usage = { count: 0, bytes: 0, fileBytes: 0 };
    this.#usage.set(key, usage);
    return usage;
  }

  #count(entry: Entry, sign: 1 | -1): void {
    this.#add(this.#usageOf(entry.state), entry, sign);
    if (entry.state === 'partial-transfer') return;
    const { app } = entry instanceof PushEntry ? entry.record : entry.reference;
    this.#add(this.#usageOf(`${entry.state} ${app}`), entry, sign);
  }

  #add(usage: Usage, entry: Entry, sign: 1 | -1): void {
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
  /** When the events that applications have no space were emitted. */
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
  return { type: 'put', key: ENTRY_PREFIX + id, value: encodeEntry(entry) };
}

function deletion(id: string): Write {
  return { type: 'del', key: ENTRY_PREFIX + id };
}

export const LEDGER_STORE: InjectionToken<LedgerStore> = Symbol('ledger store');
