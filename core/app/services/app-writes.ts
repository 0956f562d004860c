/** The writes of an application to its storage and alarms, and how keys and values are encoded. */

import { ConfigurationError, LimitError, MalformedError } from '../../errors.js';
import {
  alarmPrefix,
  decodeJson,
  encodeJson,
  type Records,
  storagePrefix,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { CommitOperation, ScheduleOperation, StorageOperation } from '../contract/push-app.js';
import type { Alarm } from '../contract/services.js';

/** Validated operations. */
export interface Batch {
  /**
   * Writes the operations and `more` in one synced write.
   * @throws LimitError when the application exceeds a limit; StoreError. Nothing is written then.
   */
  write(more?: readonly Write[]): Promise<void>;
}

export interface AppWritesParts {
  namespace: string;
  records: Records;
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

  /** @throws ConfigurationError or LimitError that names the invalid operation and what was expected. */
  batch(operations: readonly CommitOperation[]): Batch {
    requireOperations(operations);
    const { namespace, alarms } = this.parts;
    const storage: Write[] = [];
    const changes = operations.flatMap((operation) => {
      if (operation.type === 'put' || operation.type === 'delete') {
        storage.push(storageWrite(namespace, operation));
        return [];
      }
      requireAlarmOperation(operation);
      if (alarms) return [alarmChange(operation)];
      throw new ConfigurationError(
        `invalid operation of type "${operation.type}": add "schedule" to needs to use alarms`,
      );
    });
    if (!alarms || changes.length === 0) return { write: (more = []) => this.#write(storage, more) };
    return {
      write: (more = []) => alarms.change(changes, (writes) => this.#write(storage, [...more, ...writes])),
    };
  }

  async #write(storage: readonly Write[], more: readonly Write[]): Promise<void> {
    const { account, records } = this.parts;
    if (account && storage.length > 0) await account.write(storage, more);
    else await records.write([...storage, ...more], 'synced');
  }
}

function requireAlarmOperation(operation: CommitOperation): void {
  const type: unknown = Object(operation).type;
  if (type === 'alarm' || type === 'cancel') return;
  throw new ConfigurationError(
    `invalid operation type ${JSON.stringify(type)}: expected "put", "delete", "alarm" or "cancel"`,
  );
}

/** Characters of a key, which is read with every entry. */
const MAX_KEY = 512;

/** Bytes of a value, which is in memory as a whole. Split larger data into several values. */
const MAX_VALUE = 4 * 1024 * 1024;

/** Operations of one commit: it is one write, and other writes wait for it. */
const MAX_OPERATIONS = 1000;

// The first byte of a value is its encoding.
const JSON_VALUE = 0x7b;
const BYTES_VALUE = 0x62;

const encoder = new TextEncoder();

/** @throws LimitError, or ConfigurationError when the argument is not an array. */
export function requireOperations(operations: unknown): asserts operations is readonly unknown[] {
  if (!Array.isArray(operations))
    throw new ConfigurationError('invalid argument of commit: expected an array of operations');
  if (operations.length > MAX_OPERATIONS) {
    throw new LimitError(`${operations.length} operations in one commit: expected at most ${MAX_OPERATIONS}`);
  }
}

/** @throws ConfigurationError or LimitError that names the invalid key or value and what was expected. */
export function storageWrite(namespace: string, operation: StorageOperation): Write {
  const key = storageKey(namespace, operation.key);
  if (operation.type === 'delete') return { type: 'del', key };
  return { type: 'put', key, value: encodeValue(operation) };
}

export function storageKey(namespace: string, key: unknown): string {
  requireKey('storage', key);
  return storagePrefix(namespace) + key;
}

/** @throws ConfigurationError or LimitError when the key is invalid. */
export function requireKey(what: 'storage' | 'alarm', key: unknown): asserts key is string {
  if (typeof key !== 'string')
    throw new ConfigurationError(`${what} key of type ${typeof key}: expected a string`);
  if (key.length > MAX_KEY)
    throw new LimitError(`${what} key of ${key.length} characters: expected at most ${MAX_KEY}`);
  // UTF-8 cannot encode a lone surrogate: two such keys would be the same key.
  if (/\p{Surrogate}/u.test(key)) throw new ConfigurationError(`${what} key is not well-formed Unicode`);
}

function encodeValue({ key, value }: { key: string; value: unknown }): Uint8Array {
  const [kind, bytes] =
    value instanceof Uint8Array ? [BYTES_VALUE, value] : [JSON_VALUE, encodeJsonValue(key, value)];
  if (bytes.length > MAX_VALUE) {
    throw new LimitError(
      `storage value for "${key}" has ${bytes.length} bytes: expected at most ${MAX_VALUE}`,
    );
  }
  const encoded = new Uint8Array(bytes.length + 1);
  encoded[0] = kind;
  encoded.set(bytes, 1);
  return encoded;
}

function encodeJsonValue(key: string, value: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new ConfigurationError(`storage value for "${key}" is not JSON: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (text === undefined) {
    throw new ConfigurationError(
      `storage value for "${key}" is a ${typeof value}: expected JSON or a Uint8Array; delete removes a key`,
    );
  }
  return encoder.encode(text);
}

export function decodeValue(bytes: Uint8Array): unknown {
  const value = new Uint8Array(bytes.subarray(1));
  return bytes[0] === BYTES_VALUE ? value : decodeJson(value);
}

/** Bytes of an alarm's data. Larger data belongs in storage. */
const MAX_DATA = 16 * 1024;

/** Range of a Date: milliseconds before and after 1970. */
const MAX_TIME = 8.64e15;

/** A validated operation. `value` is the encoded alarm; absent: the alarm is cancelled. */
export interface AlarmChange {
  readonly key: string;
  readonly at: number;
  readonly value?: Uint8Array;
}

/** @throws ConfigurationError or LimitError that names the invalid field and what was expected. */
export function alarmChange(operation: ScheduleOperation): AlarmChange {
  const { type, key } = operation;
  requireKey('alarm', key);
  if (type === 'cancel') return { key, at: 0 };
  const { at: when, data } = operation;
  const at = when instanceof Date ? when.getTime() : when;
  if (typeof at !== 'number' || !(Math.abs(at) <= MAX_TIME)) {
    throw new ConfigurationError(
      `alarm "${key}": invalid time ${String(at)}: expected a Date, or milliseconds since 1970`,
    );
  }
  const value = encoded(key, at, data);
  if (value.length > MAX_DATA) {
    throw new LimitError(
      `alarm "${key}" has ${value.length} bytes of data: expected at most ${MAX_DATA}; put it in storage`,
    );
  }
  return { key, at, value };
}

function encoded(key: string, at: number, data: unknown): Uint8Array {
  try {
    if (typeof data === 'function' || typeof data === 'symbol') throw new Error(`it is a ${typeof data}`);
    return encodeJson({ at, data });
  } catch (error) {
    throw new ConfigurationError(`alarm "${key}": its data is not JSON: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

export function alarmKey(namespace: string, key: string): string {
  return alarmPrefix(namespace) + key;
}

/** @throws MalformedError */
export function readAlarm(key: string, bytes: Uint8Array): Alarm {
  const { at, data }: { at?: unknown; data?: unknown } = Object(decodeJson(bytes));
  if (typeof at !== 'number') throw new MalformedError(`alarm "${key}" has no time`);
  return { key, at: new Date(at), data };
}
