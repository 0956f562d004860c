/** JSON values of an application: in storage, alarms, events and answers. */

import { ConfigurationError, LimitError } from '../../errors.js';

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
export function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = Object(Reflect.get(value, 'constructor')).name;
  const advice = value instanceof Date ? ' (use toISOString)' : '';
  return typeof name === 'string' && name !== '' && !['Object', 'Array'].includes(name)
    ? `an instance of ${name}${advice}`
    : 'an object with its own toJSON';
}
