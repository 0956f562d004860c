/** The writes of an application: its storage, its alarms and its events, in one write. */

import { ConfigurationError, LimitError } from '../../errors.js';
import { alarmPrefix, type Records, storagePrefix, type Write } from '../../store/records.js';
import { plainEvent } from '../contract/events.js';
import type { CommitOperation, EventSchemas } from '../contract/transaction.js';
import type { BacklogListener, EventOutbox } from './event-outbox.js';
import { MAX_ALARM_DATA, requireKey, requireValueSize } from './stored-values.js';
import { MAX_OPERATIONS } from './transactions.js';

/** Validated operations. */
export interface Batch {
  /**
   * Writes the operations and `more` in one synced write, and delivers its events afterwards.
   * @throws LimitError when the application exceeds a limit; StoreError. Nothing is written then.
   */
  write(more?: readonly Write[]): Promise<void>;
}

/** `value` is the encoded alarm; absent: the alarm is cancelled. */
export interface AlarmChange {
  readonly key: string;
  readonly at: number;
  readonly value?: Uint8Array;
}

export interface AppWritesParts {
  eventAppId: string;
  namespace: string;
  events: EventSchemas;
  records: Records;
  outbox: EventOutbox;
  /** Enforces the limit of its storage, if it has one. */
  account?: { write(own: readonly Write[], more: readonly Write[]): Promise<void> };
  /** Absent if it does not need `schedule`. */
  alarms?: {
    change(
      changes: readonly AlarmChange[],
      write: (writes: readonly Write[]) => Promise<void>,
    ): Promise<void>;
  };
}

export class AppWrites {
  constructor(private readonly parts: AppWritesParts) {}

  /**
   * Operations come from the application's transaction, which has checked them, or from a worker, which an application
   * can bypass: they are checked again where a wrong one could reach other data.
   * @throws ConfigurationError or LimitError that names the invalid operation and what was expected.
   */
  batch(operations: readonly CommitOperation[]): Batch {
    requireOperations(operations);
    const { eventAppId, namespace, events, alarms, outbox } = this.parts;
    const storage: Write[] = [];
    const changes: AlarmChange[] = [];
    const emitted: { kind: string; fields: Readonly<Record<string, unknown>> }[] = [];
    for (const operation of operations) {
      if (operation.type === 'put' || operation.type === 'delete') {
        storage.push(storageWrite(namespace, operation));
      } else if (operation.type === 'emit') {
        emitted.push(operation);
      } else if (operation.type === 'alarm' || operation.type === 'cancel') {
        changes.push(alarmChange(operation));
      } else {
        throw new ConfigurationError('invalid operation type: expected put, delete, alarm, cancel or emit');
      }
    }
    if (changes.length > 0 && !alarms) {
      throw new ConfigurationError(`${eventAppId}: add "schedule" to needs to use alarms`);
    }
    const write = (more: readonly Write[]) =>
      alarms && changes.length > 0
        ? alarms.change(changes, (writes) => this.#write(storage, [...more, ...writes]))
        : this.#write(storage, more);
    if (emitted.length === 0) return { write: (more = []) => write(more) };
    const checked = emitted.map(({ kind, fields }) => plainEvent(eventAppId, events, kind, fields));
    return {
      write: (more = []) => outbox.write(eventAppId, checked, (writes) => write([...more, ...writes])),
    };
  }

  /** As `EventOutbox.onBacklog`, for the events of the application. */
  onEventBacklog(listener: BacklogListener): () => void {
    return this.parts.outbox.onBacklog(this.parts.eventAppId, listener);
  }

  async #write(storage: readonly Write[], more: readonly Write[]): Promise<void> {
    const { account, records } = this.parts;
    if (account && storage.length > 0) await account.write(storage, more);
    else await records.write([...storage, ...more], 'synced');
  }
}

/** @throws LimitError, or ConfigurationError when the argument is not an array. */
function requireOperations(operations: unknown): asserts operations is readonly unknown[] {
  if (!Array.isArray(operations))
    throw new ConfigurationError('invalid commit: expected an array of operations');
  if (operations.length > MAX_OPERATIONS) {
    throw new LimitError(`${operations.length} operations in one commit: expected at most ${MAX_OPERATIONS}`);
  }
}

/** @throws ConfigurationError or LimitError */
function storageWrite(namespace: string, operation: CommitOperation & { type: 'put' | 'delete' }): Write {
  const key = storageKey(namespace, operation.key);
  if (operation.type === 'delete') return { type: 'del', key };
  const { value } = operation;
  if (!(value instanceof Uint8Array) || value.length === 0) {
    throw new ConfigurationError('invalid operation: expected an encoded value');
  }
  requireValueSize(operation.key, value.length - 1);
  return { type: 'put', key, value };
}

/** @throws ConfigurationError or LimitError */
function alarmChange(operation: CommitOperation & { type: 'alarm' | 'cancel' }): AlarmChange {
  const { key } = operation;
  requireKey('alarm', key);
  if (operation.type === 'cancel') return { key, at: 0 };
  const { at, value } = operation;
  if (!Number.isFinite(at) || !(value instanceof Uint8Array) || value.length > MAX_ALARM_DATA) {
    throw new ConfigurationError('invalid operation: expected an encoded alarm');
  }
  return { key, at, value };
}

/** @throws ConfigurationError or LimitError when the key is invalid. */
export function storageKey(namespace: string, key: unknown): string {
  requireKey('storage', key);
  return storagePrefix(namespace) + key;
}

export function alarmKey(namespace: string, key: string): string {
  return alarmPrefix(namespace) + key;
}
