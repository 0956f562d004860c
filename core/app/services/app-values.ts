/** Keys and values of an application's storage, as bytes. */

import { ConfigurationError, LimitError, MalformedError } from '../../errors.js';
import { alarmPrefix, decodeJson, encodeJson, storagePrefix, type Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { ScheduleOperation, StorageOperation } from '../contract/push-app.js';
import type { Alarm } from '../contract/services.js';

/** Characters of a key: it is read with every entry. */
const MAX_KEY = 512;

/** Bytes of a value, which is in memory as a whole; larger things belong in several. */
const MAX_VALUE = 4 * 1024 * 1024;

/** Operations of one commit: they are one write, and others wait for it. */
const MAX_OPERATIONS = 1000;

// The first byte of a value says what the rest is.
const JSON_VALUE = 0x7b;
const BYTES_VALUE = 0x62;

const encoder = new TextEncoder();

/** @throws LimitError, or ConfigurationError when it is no list. */
export function requireOperations(operations: unknown): asserts operations is readonly unknown[] {
  if (!Array.isArray(operations)) throw new ConfigurationError('commit expects a list of storage operations');
  if (operations.length > MAX_OPERATIONS) {
    throw new LimitError(`${operations.length} storage operations; at most ${MAX_OPERATIONS} at once`);
  }
}

/** @throws ConfigurationError or LimitError saying what is wrong with it, and what was expected. */
export function storageWrite(namespace: string, operation: StorageOperation): Write {
  const key = storageKey(namespace, operation.key);
  if (operation.type === 'delete') return { type: 'del', key };
  return { type: 'put', key, value: encodeValue(operation) };
}

export function storageKey(namespace: string, key: unknown): string {
  requireKey('storage', key);
  return storagePrefix(namespace) + key;
}

/** Of a key of an application's own. @throws ConfigurationError or LimitError that says what is wrong with it. */
export function requireKey(what: 'storage' | 'alarm', key: unknown): asserts key is string {
  if (typeof key !== 'string')
    throw new ConfigurationError(`${what} key of type ${typeof key}: expected a string`);
  if (key.length > MAX_KEY)
    throw new LimitError(`${what} key of ${key.length} characters; at most ${MAX_KEY}`);
  // UTF-8 has no half characters: two such keys would be one.
  if (/\p{Surrogate}/u.test(key)) throw new ConfigurationError(`${what} key is not well-formed Unicode`);
}

function encodeValue({ key, value }: { key: string; value: unknown }): Uint8Array {
  const [kind, bytes] =
    value instanceof Uint8Array ? [BYTES_VALUE, value] : [JSON_VALUE, encodeJsonValue(key, value)];
  if (bytes.length > MAX_VALUE) {
    throw new LimitError(`storage value for "${key}" has ${bytes.length} bytes; at most ${MAX_VALUE}`);
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

/** Alarms as they stand in the store, and what an application may set. */

/** Bytes of an alarm's data: what is larger belongs in storage. */
const MAX_DATA = 16 * 1024;

/** What a Date can be, milliseconds on either side of 1970. */
const MOST_TIME = 8.64e15;

/** A checked operation. `value` is what the store has of an alarm; absent: it is cancelled. */
export interface AlarmChange {
  readonly key: string;
  readonly at: number;
  readonly value?: Uint8Array;
}

/** @throws ConfigurationError or LimitError saying what is wrong, and what was expected. */
export function alarmChange(operation: ScheduleOperation): AlarmChange {
  const { type, key } = operation;
  requireKey('alarm', key);
  if (type === 'cancel') return { key, at: 0 };
  const { at: when, data } = operation;
  const at = when instanceof Date ? when.getTime() : when;
  if (typeof at !== 'number' || !(Math.abs(at) <= MOST_TIME)) {
    throw new ConfigurationError(
      `alarm "${key}": the time is ${String(at)}; expected a Date, or milliseconds since 1970`,
    );
  }
  const value = encoded(key, at, data);
  if (value.length > MAX_DATA) {
    throw new LimitError(
      `alarm "${key}" has ${value.length} bytes of data; at most ${MAX_DATA}: keep it in storage`,
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
