/** JSON values of an application, and the keys and values of its storage and alarms: validation and encoding. */

import { ConfigurationError, LimitError } from '../../errors.js';
import { decodeJson, StoreError } from '../../store/records.js';
import { reasonOf } from '../../text.js';

/** Characters of the text of a value, which is in memory as a whole. */
export const MAX_JSON = 4 * 1024 * 1024;

/** Levels of a JSON value. Deeper ones exhaust the stack of some readers. */
const MAX_DEPTH = 100;

/**
 * The value as JSON. Properties that are undefined are left out.
 * @param what names the value in messages.
 * @throws ConfigurationError that names the part of the value that JSON cannot hold; LimitError when it is too large.
 */
export function jsonText(what: string, value: unknown): string {
  return JSON.stringify(jsonCopy(what, value));
}

/** A copy of a JSON value, without properties that are undefined. @throws as `jsonText`. */
export function jsonCopy(what: string, value: unknown): unknown {
  return new JsonCopy(what).of(value);
}

/** Characters of a key, which is read with every entry. */
const MAX_KEY = 512;

/** Bytes of a value, which is in memory as a whole. Split larger data into several values. */
export const MAX_VALUE = 4 * 1024 * 1024;

/** Bytes of an alarm's data. Larger data belongs in storage. */
export const MAX_ALARM_DATA = 16 * 1024;

/** Range of a Date: milliseconds before and after 1970. */
const MAX_TIME = 8.64e15;

// The first byte of a value is its encoding.
const JSON_VALUE = 0x7b;
const BYTES_VALUE = 0x62;

const encoder = new TextEncoder();

/** @throws ConfigurationError or LimitError when the key is invalid. */
export function requireKey(what: 'storage' | 'alarm', key: unknown): asserts key is string {
  if (typeof key !== 'string')
    throw new ConfigurationError(`${what} key of type ${typeof key}: expected a string`);
  if (key.length > MAX_KEY)
    throw new LimitError(`${what} key of ${key.length} characters: expected at most ${MAX_KEY}`);
  // UTF-8 cannot encode a lone surrogate: two such keys would be the same key.
  if (/\p{Surrogate}/u.test(key)) throw new ConfigurationError(`${what} key is not well-formed Unicode`);
}

/**
 * The encoded value of a key, which is a copy.
 * @throws ConfigurationError when the key is invalid, or the value is neither JSON nor bytes; LimitError when one is too
 * large.
 */
export function encodeValue(key: string, value: unknown): Uint8Array {
  requireKey('storage', key);
  const what = `storage value for "${key}"`;
  if (value === undefined || typeof value === 'function') {
    throw new ConfigurationError(
      `${what} is ${kindOf(value)}: expected JSON or a Uint8Array; delete removes a key`,
    );
  }
  const [kind, bytes] = isBytes(value)
    ? [BYTES_VALUE, value]
    : [JSON_VALUE, encoder.encode(jsonText(what, value))];
  requireValueSize(key, bytes.length);
  const encoded = new Uint8Array(bytes.length + 1);
  encoded[0] = kind;
  encoded.set(bytes, 1);
  return encoded;
}

/** @throws LimitError */
export function requireValueSize(key: string, bytes: number): void {
  if (bytes <= MAX_VALUE) return;
  throw new LimitError(`storage value for "${key}" has ${bytes} bytes: expected at most ${MAX_VALUE}`);
}

/** @throws StoreError when the value is damaged. */
export function decodeValue(bytes: Uint8Array): unknown {
  const value = new Uint8Array(bytes.subarray(1));
  return bytes[0] === BYTES_VALUE ? value : decodeStored(value);
}

/** @throws StoreError: a MalformedError would refuse the push that the application handles. */
function decodeStored(bytes: Uint8Array): unknown {
  try {
    return decodeJson(bytes);
  } catch (error) {
    throw new StoreError(reasonOf(error), { cause: error });
  }
}

/**
 * The encoded alarm of a key.
 * @throws ConfigurationError or LimitError that names the invalid field and what was expected.
 */
export function encodeAlarm(
  key: string,
  when: Date | number,
  data: unknown,
): { at: number; value: Uint8Array } {
  requireKey('alarm', key);
  const at = typeof when === 'number' ? when : when instanceof Date ? when.getTime() : Number.NaN;
  if (!(Math.abs(at) <= MAX_TIME)) {
    throw new ConfigurationError(
      `alarm "${key}": invalid time ${String(when)}: expected a Date, or milliseconds since 1970`,
    );
  }
  const text = jsonText(`data of alarm "${key}"`, data === undefined ? { at } : { at, data });
  const value = encoder.encode(text);
  if (value.length > MAX_ALARM_DATA) {
    throw new LimitError(
      `alarm "${key}" has ${value.length} bytes of data: expected at most ${MAX_ALARM_DATA}; put it in storage`,
    );
  }
  return { at, value };
}

/** @throws StoreError when the alarm is damaged. */
export function decodeAlarm(key: string, bytes: Uint8Array): { key: string; at: Date; data: unknown } {
  const { at, data }: { at?: unknown; data?: unknown } = Object(decodeStored(bytes));
  if (typeof at !== 'number') throw new StoreError(`alarm "${key}" has no time`);
  return { key, at: new Date(at), data };
}

/** Byte arrays of any realm, since a worker and a `vm` context have their own class. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]';
}

/** Reads each property once, since a getter or a proxy can return another value the next time. */
class JsonCopy {
  readonly #parents: object[] = [];
  readonly #path: (string | number)[] = [];
  /** At least the characters of the text so far. Objects that occur often can make a small value a large text. */
  #length = 0;

  constructor(private readonly what: string) {}

  of(value: unknown): unknown {
    // With a comma or a bracket.
    this.#count(typeof value === 'string' ? value.length + 3 : 2);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (typeof value !== 'object') throw this.#problem(kindOf(value));
    if (this.#parents.includes(value)) throw this.#problem('a circular reference');
    if (this.#parents.length >= MAX_DEPTH) throw this.#problem(`nested deeper than ${MAX_DEPTH} levels`);
    if (!isPlain(value)) throw this.#problem(kindOf(value));
    this.#parents.push(value);
    const copy = Array.isArray(value) ? this.#list(value) : this.#object(value);
    this.#parents.pop();
    return copy;
  }

  #list(list: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < list.length; index++) copy.push(this.#member(index, list[index]));
    return copy;
  }

  #object(object: object): object {
    const entries: [name: string, member: unknown][] = [];
    for (const [name, member] of Object.entries(object)) {
      if (member === undefined) continue;
      this.#count(name.length + 3);
      entries.push([name, this.#member(name, member)]);
    }
    // An own property even if its name is __proto__.
    return Object.fromEntries(entries);
  }

  #member(key: string | number, value: unknown): unknown {
    this.#path.push(key);
    const copy = this.of(value);
    this.#path.pop();
    return copy;
  }

  #count(characters: number): void {
    this.#length += characters;
    // One comma less than values.
    if (this.#length <= MAX_JSON + 1) return;
    throw new LimitError(`${this.what} has more than ${MAX_JSON} characters of JSON, the limit`);
  }

  #problem(found: string): ConfigurationError {
    const path = this.#path.reduce<string>((text, key) => {
      if (typeof key === 'number') return `${text}[${key}]`;
      return text === '' ? key : `${text}.${key}`;
    }, '');
    return new ConfigurationError(
      `${this.what}${path === '' ? '' : `, at ${path},`} is ${found}: JSON cannot hold it`,
    );
  }
}

/** Of any realm. An object with `toJSON` would be read back as something else. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
  return plain && typeof Reflect.get(value, 'toJSON') !== 'function';
}

/** A value in words, for messages. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = Object(Reflect.get(value, 'constructor')).name;
  const advice = value instanceof Date ? ' (use toISOString)' : '';
  return typeof name === 'string' && name !== '' && !['Object', 'Array'].includes(name)
    ? `an instance of ${name}${advice}`
    : 'an object with its own toJSON';
}
