/** The entries of the ledger in memory, with their bounds. */

import { LimitError } from '../../errors.js';
import type { Clock } from '../../time/clock.js';
import { DONE_RETENTION, type RuntimeLimits } from '../limits.js';
import { PushEntry, type PushRecord, type StoredEntry } from './entry.js';

/** The ledger has no space for another push. */
export class LedgerFullError extends LimitError {}

/** Old entries deleted with each write: more than one, so that a backlog shrinks. */
const MAX_PURGED = 4;

/** The entry of a push that is not finished. */
export type Entry = PushEntry | Extract<StoredEntry, { state: 'reference' | 'partial-transfer' }>;

interface Usage {
  count: number;
  /** Bytes in the store, and in files. */
  bytes: number;
  fileBytes: number;
}

export class Entries {
  /** Those of one state are in the order in which they entered it. */
  readonly #entries = new Map<string, Entry>();
  /** Push id to the time when the push was finished, the oldest first. */
  readonly #done = new Map<string, number>();
  readonly #usage: { readonly [State in Entry['state']]: Usage } = {
    unstored: { count: 0, bytes: 0, fileBytes: 0 },
    received: { count: 0, bytes: 0, fileBytes: 0 },
    'dead-letter': { count: 0, bytes: 0, fileBytes: 0 },
    reference: { count: 0, bytes: 0, fileBytes: 0 },
    'partial-transfer': { count: 0, bytes: 0, fileBytes: 0 },
  };

  constructor(
    private readonly clock: Clock,
    private readonly limits: RuntimeLimits,
  ) {}

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
    this.#done.delete(id);
    this.#entries.set(id, entry);
    this.#count(entry, 1);
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#count(entry, -1);
    this.#entries.delete(id);
  }

  /** The push is finished, in place of its entry in another state. */
  finish(id: string, at: number): void {
    this.delete(id);
    this.#done.delete(id);
    this.#done.set(id, at);
  }

  isDone(id: string): boolean {
    const at = this.#done.get(id);
    return at !== undefined && !this.#expired(at);
  }

  /** Its entry is about to be written again: it must not be purged. */
  unfinish(id: string): void {
    this.#done.delete(id);
  }

  /** Removes the oldest finished pushes that are expired, or more than the limit; a few at a time. */
  purge(): string[] {
    const purged: string[] = [];
    for (const [id, at] of this.#done) {
      const tooMany = this.#done.size > this.limits.doneEntries;
      if (purged.length === MAX_PURGED || !(tooMany || this.#expired(at))) break;
      this.#done.delete(id);
      purged.push(id);
    }
    return purged;
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

  #expired(at: number): boolean {
    return this.clock.now() - at > DONE_RETENTION;
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
