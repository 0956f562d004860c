/** Alarms as they stand in the store, and what an application may set. */

import { ConfigurationError, LimitError, MalformedError } from '../errors.js';
import type { ScheduleOperation } from './contract.js';
import { alarmPrefix, decodeJson, encodeJson } from './layout.js';
import { reasonOf } from './outcome.js';
import type { Alarm } from './services.js';
import { requireKey } from './storage-values.js';

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
