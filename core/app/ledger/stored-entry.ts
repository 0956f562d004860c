/** The records of a push in the store, one for each state. */

import type { MediaType } from '../../content/content.js';
import type { ExternalBody } from '../../content/external-body.js';
import { MalformedError } from '../../errors.js';
import { decodeJson } from '../../store/records.js';
import type { PushMode } from '../contract/push.js';

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
