/** The entry of a push: what the ledger stores of it in each state, and a push that is in progress. */

import { platform } from '#platform';
import type { Content, MediaType } from '../../content/content.js';
import { contentReaders } from '../../content/content.js';
import type { ExternalBody } from '../../content/external-body.js';
import { type LimitError, MalformedError } from '../../errors.js';
import { decodeJson, encodeJson } from '../../store/records.js';
import type { Refusal } from '../contract/outcome.js';
import type { Push, PushFacts, PushMode } from '../contract/push.js';

/** A push whose content is on the device. */
export interface PushRecord {
  readonly id: string;
  /** Canonical event-app-id of the application that the push was accepted for, and its IARI if it has one. */
  readonly app: string;
  readonly iari?: string;
  readonly from: string;
  readonly to: string;
  readonly mode: PushMode;
  readonly type: MediaType;
  /** Bytes of content. */
  readonly size: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fileName?: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** Deliveries started. Written before each delivery, so that a push that kills the host is counted too. */
  readonly attempts: number;
  /**
   * Deliveries that do not count as attempts: the content broke off, the application was unavailable, or the host was
   * killed and a later delivery showed that this push is not the cause.
   */
  readonly interrupted?: number;
  /** `attempts` when the last delivery ended. One that did not end was in progress when the host was killed. */
  readonly ended?: number;
  /** The file that holds the content of a transfer. Absent: the content is in the store. */
  readonly file?: string;
}

/** A push whose content is still to be retrieved. */
export interface ReferenceRecord {
  readonly id: string;
  /** Canonical event-app-id of the application that the push was accepted for, and its IARI if it has one. */
  readonly app: string;
  readonly iari?: string;
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fileName?: string;
  readonly reference: ExternalBody;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** A transfer that is incomplete and can be resumed. */
export interface PartialTransfer {
  /** Push id. */
  readonly id: string;
  readonly file: string;
  /** event-app-id. */
  readonly app: string;
  /** Asserted identity of the sender. */
  readonly from: string;
  /** Bytes of the whole file, as offered. */
  readonly size: number;
  readonly sha1: string;
  /** Media type, without parameters. */
  readonly type: string;
  /** Milliseconds since 1970 of the first offer. */
  readonly receivedAt: number;
  /** Milliseconds that hosts had run with this store at the last change: a change of the date does not age a transfer. */
  readonly changedAt: number;
  /** Deliveries started. */
  readonly attempts: number;
  /** Bytes from the first one on without a gap. Absent: the length of the file. */
  readonly contiguous?: number;
}

/** The entry of a push that is not finished, as stored under its id. */
export type StoredEntry =
  | { readonly state: 'received'; readonly push: PushRecord }
  | {
      readonly state: 'dead-letter';
      readonly push: PushRecord;
      /** Milliseconds since 1970. */
      readonly deadSince: number;
      readonly reason: string;
    }
  | { readonly state: 'reference'; readonly reference: ReferenceRecord }
  | { readonly state: 'partial-transfer'; readonly transfer: PartialTransfer };

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

/** What is known of a push before its content. */
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

export function encodeEntry(entry: StoredEntry): Uint8Array {
  return encodeJson(entry);
}

/** @throws MalformedError when the bytes are not an entry, as after damage to the disk. */
export function decodeEntry(bytes: Uint8Array): StoredEntry {
  const value = decodeJson(bytes);
  if (!isEntry(value)) throw new MalformedError('invalid entry: expected a state and its fields');
  return value;
}

/** When the push entered this state. Only comparable within a state: the dates of some count the time that hosts run. */
export function enteredAt(entry: StoredEntry): number {
  switch (entry.state) {
    case 'received':
      return entry.push.receivedAt;
    case 'dead-letter':
      return entry.deadSince;
    case 'reference':
      return entry.reference.receivedAt;
    case 'partial-transfer':
      return entry.transfer.changedAt;
  }
}

type Fields<T> = { readonly [Key in keyof T]?: unknown };

function isEntry(value: unknown): value is StoredEntry {
  const { state, push, deadSince, reason, reference, transfer }: Record<string, unknown> = Object(value);
  switch (state) {
    case 'received':
      return isPush(Object(push));
    case 'dead-letter':
      return isPush(Object(push)) && Number.isFinite(deadSince) && typeof reason === 'string';
    case 'reference':
      return isReference(Object(reference));
    case 'partial-transfer':
      return isTransfer(Object(transfer));
    default:
      return false;
  }
}

function isPush(record: Fields<PushRecord>): boolean {
  const { id, app, from, to, mode, size, receivedAt, attempts, type, headers, file, interrupted, ended } =
    record;
  return (
    areStrings(id, app, from, to, mode, Object(type).type) &&
    [size, receivedAt, attempts, interrupted ?? 0, ended ?? 0].every(Number.isFinite) &&
    areObjects(headers) &&
    (file === undefined || typeof file === 'string')
  );
}

function isReference(record: Fields<ReferenceRecord>): boolean {
  const { id, app, key, from, to, headers, reference, receivedAt } = record;
  return areStrings(id, app, key, from, to) && areObjects(headers, reference) && Number.isFinite(receivedAt);
}

function isTransfer(record: Fields<PartialTransfer>): boolean {
  const { id, file, app, from, sha1, type, size, receivedAt, changedAt, attempts, contiguous } = record;
  return (
    areStrings(id, file, app, from, sha1, type) &&
    [size, receivedAt, changedAt, attempts, contiguous ?? 0].every(Number.isFinite)
  );
}

function areStrings(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

function areObjects(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'object' && value !== null);
}
