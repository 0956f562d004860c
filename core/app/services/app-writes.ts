/** The writes of an application: its storage, its alarms and its events, in one write. */

import { ConfigurationError, LimitError } from '../../errors.js';
import { alarmPrefix, type Records, storagePrefix, type Write } from '../../store/records.js';
import { plainEvent } from '../contract/events.js';
import type { CommitOperation, EventSchemas } from '../contract/transaction.js';
import type { BacklogListener, EventOutbox } from './event-outbox.js';
import { MAX_ALARM_DATA, requireKey, requireValueSize } from './stored-values.js';
import { MAX_OPERATIONS } from './transactions.js';

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

  /** @param operations of the application's transaction or service, which have checked and copied them. */
  batch(operations: readonly CommitOperation[]): Batch {
    const { eventAppId, namespace, alarms, outbox } = this.parts;
    const storage: Write[] = [];
    const changes: AlarmChange[] = [];
    const events: EventToWrite[] = [];
    for (const operation of operations) {
      if (operation.type === 'put' || operation.type === 'delete') {
        storage.push(storageWrite(namespace, operation));
      } else if (operation.type === 'emit') {
        events.push(operation);
      } else {
        changes.push(alarmChange(operation));
      }
    }
    const write = (more: readonly Write[]) =>
      alarms && changes.length > 0
        ? alarms.change(changes, (writes) => this.#write(storage, [...more, ...writes]))
        : this.#write(storage, more);
    if (events.length === 0) return { write: (more = []) => write(more) };
    return {
      write: (more = []) => outbox.write(eventAppId, events, (writes) => write([...more, ...writes])),
    };
  }

  /**
   * The operations of a worker. An application can bypass the checks there, so they are checked again where a wrong one
   * could reach other data.
   * @throws ConfigurationError or LimitError that names the invalid operation and what was expected.
   */
  checked(operations: readonly CommitOperation[]): CommitOperation[] {
    requireOperations(operations);
    return operations.map((operation) => this.#checked(operation));
  }

  #checked(operation: CommitOperation): CommitOperation {
    const { eventAppId, events, alarms } = this.parts;
    switch (operation.type) {
      case 'put':
      case 'delete':
        requireStorageOperation(operation);
        return operation;
      case 'emit':
        return { type: 'emit', ...plainEvent(eventAppId, events, operation.kind, operation.fields) };
      case 'alarm':
      case 'cancel':
        if (!alarms) throw new ConfigurationError(`${eventAppId}: add "schedule" to needs to use alarms`);
        requireAlarmOperation(operation);
        return operation;
      default:
        throw new ConfigurationError('invalid operation type: expected put, delete, alarm, cancel or emit');
    }
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

type StorageOperation = CommitOperation & { type: 'put' | 'delete' };
type AlarmOperation = CommitOperation & { type: 'alarm' | 'cancel' };
type EventToWrite = CommitOperation & { type: 'emit' };

function storageWrite(namespace: string, operation: StorageOperation): Write {
  const key = storagePrefix(namespace) + operation.key;
  return operation.type === 'delete' ? { type: 'del', key } : { type: 'put', key, value: operation.value };
}

function alarmChange(operation: AlarmOperation): AlarmChange {
  const { key } = operation;
  return operation.type === 'cancel' ? { key, at: 0 } : { key, at: operation.at, value: operation.value };
}

/** @throws ConfigurationError or LimitError */
function requireStorageOperation(operation: StorageOperation): void {
  requireKey('storage', operation.key);
  if (operation.type === 'delete') return;
  const { value } = operation;
  if (!(value instanceof Uint8Array) || value.length === 0) {
    throw new ConfigurationError('invalid operation: expected an encoded value');
  }
  requireValueSize(operation.key, value.length - 1);
}

/** @throws ConfigurationError or LimitError */
function requireAlarmOperation(operation: AlarmOperation): void {
  requireKey('alarm', operation.key);
  if (operation.type === 'cancel') return;
  const { at, value } = operation;
  if (!Number.isFinite(at) || !(value instanceof Uint8Array) || value.length > MAX_ALARM_DATA) {
    throw new ConfigurationError('invalid operation: expected an encoded alarm');
  }
}

/** @throws ConfigurationError or LimitError when the key is invalid. */
export function storageKey(namespace: string, key: unknown): string {
  requireKey('storage', key);
  return storagePrefix(namespace) + key;
}

export function alarmKey(namespace: string, key: string): string {
  return alarmPrefix(namespace) + key;
}
