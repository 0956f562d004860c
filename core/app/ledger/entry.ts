/** The entries of the ledger in memory: pushes in progress, and how much of its limits each application uses. */

import { platform } from '#platform';
import { type Content, contentReaders } from '../../content/content.js';
import { LimitError } from '../../errors.js';
import { shareOf } from '../../store/records.js';
import type { Refusal } from '../contract/outcome.js';
import type { Push, PushFacts } from '../contract/push.js';
import type { RuntimeLimits } from '../limits.js';
import type { FullStore } from './delivery-event.js';
import type { PushRecord, ReferenceRecord, StoredEntry } from './stored-entry.js';

/** Media type of the content, without parameters. */
export function mediaTypeOf(record: PushRecord | ReferenceRecord): string {
  return 'reference' in record ? record.reference.type.type : record.type.type;
}

/** How a push finished. */
export type PushResult = { accepted: true } | { accepted: false; refusal: Refusal };

export class PushEntry {
  #result: PushResult | undefined;
  readonly #onAccepted = new Set<() => void>();

  /** The state in the ledger. `unstored`: the push of a direct application, or content that is still arriving. */
  state: 'unstored' | 'received' | 'dead-letter' = 'unstored';
  /** Set while a commit is written. Nothing else may finish the push until the result of the write is known. */
  committing: Promise<void> | undefined;
  /** The sender has the answer that the push is accepted: its application can no longer refuse it. */
  answered = false;
  /** The application has the push, or the push waits for its turn. */
  delivering = false;
  /** Why the last commit of the delivery in progress failed, if too many events waited for the host. */
  backlog: LimitError | undefined;
  /** Why the last delivery failed. */
  failure: string | undefined;
  /** Of a dead letter: milliseconds since 1970, and why no delivery is tried any more. */
  dead: { readonly since: number; readonly reason: string } | undefined;
  /** Bytes that count against the limit of the inbox. */
  inboxBytes = 0;
  /** The reference that the content was retrieved from. It is stored again when the push is refused. */
  reference: ReferenceRecord | undefined;

  /**
   * @param arrived resolves when all of the content has arrived, is verified and, for a durable application, is on
   * disk; rejects when the content breaks off. Absent: the content is complete from the start.
   */
  constructor(
    public record: PushRecord,
    readonly durable: boolean,
    readonly arrived?: Promise<void>,
  ) {}

  get id(): string {
    return this.record.id;
  }

  get result(): PushResult | undefined {
    return this.#result;
  }

  /** Deliveries that count as attempts of the application. */
  get tries(): number {
    const { attempts, interrupted = 0 } = this.record;
    return attempts - interrupted;
  }

  /** Deliveries, one after another, that did not end: the host was killed. */
  get unended(): number {
    const { attempts, ended = 0 } = this.record;
    return attempts - ended;
  }

  /** The record after the current delivery has ended without an acceptance. */
  afterDelivery(): PushRecord {
    const { attempts, interrupted = 0 } = this.record;
    const killed = this.unended - 1;
    return { ...this.record, ended: attempts, interrupted: interrupted + killed || undefined };
  }

  /** False when the push was finished before. */
  finish(result: PushResult): boolean {
    if (this.#result) return false;
    this.#result = result;
    if (result.accepted) for (const listener of this.#onAccepted) listener();
    this.#onAccepted.clear();
    return true;
  }

  /** Calls `listener` when a commit accepts the push, before `receive` resolves. */
  onAccepted(listener: () => void): () => void {
    this.#onAccepted.add(listener);
    return () => this.#onAccepted.delete(listener);
  }
}

/** The push as an application receives it. @param maxSize limit of `bytes`. */
export function pushOf(record: PushRecord, content: Content, maxSize?: number): Push {
  const { id, app, from, to, mode, headers, fileName, receivedAt } = record;
  return Object.freeze({
    id,
    app,
    from,
    to,
    mode,
    content,
    headers: Object.freeze({ ...headers }),
    fileName,
    receivedAt: new Date(receivedAt),
    ...contentReaders(content, maxSize),
  });
}

/** The facts about a push that are known before its content. */
export function factsOf(record: Pick<PushRecord, keyof PushFacts>): PushFacts {
  const { id, app, from, to, mode, headers, fileName, type } = record;
  return Object.freeze({
    ...{ id, app, from, to, mode, fileName, type: type.type },
    headers: Object.freeze({ ...headers }),
  });
}

/** Derived from the key alone, so that a push has the same id when its sender retries after a crash. */
export function pushId(key: string): string {
  // 128 bits identify more pushes than a device receives.
  return platform.hash('sha-256', key).slice(0, 32);
}

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

  /** The usage of an application in a state, and its share of a limit. */
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
