/** JSON values of an application: in storage, alarms, events and answers. */

import { ConfigurationError } from '../../errors.js';

/** Levels of a JSON value. Deeper ones exhaust the stack of some readers. */
const MAX_DEPTH = 100;

/**
 * The value as JSON. Properties that are undefined are left out.
 * @param what names the value in messages.
 * @throws ConfigurationError that names the part of the value that JSON cannot hold.
 */
export function jsonText(what: string, value: unknown): string {
  requireJson(what, value, '', []);
  return JSON.stringify(value);
}

/** A copy of a JSON value, without properties that are undefined. @throws ConfigurationError as `jsonText`. */
export function jsonCopy<T>(what: string, value: T): T {
  return JSON.parse(jsonText(what, value));
}

function requireJson(what: string, value: unknown, path: string, parents: readonly object[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  const problem = (found: string) =>
    new ConfigurationError(`${what}${path === '' ? '' : `, at ${path},`} is ${found}: JSON cannot hold it`);
  if (typeof value !== 'object') throw problem(kindOf(value));
  if (parents.includes(value)) throw problem('a circular reference');
  if (parents.length >= MAX_DEPTH) throw problem(`nested deeper than ${MAX_DEPTH} levels`);
  const within = [...parents, value];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      requireJson(what, value[index], `${path}[${index}]`, within);
    }
    return;
  }
  if (!isPlainObject(value)) throw problem(kindOf(value));
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) requireJson(what, member, path === '' ? name : `${path}.${name}`, within);
  }
}

/** Of any realm. An object with `toJSON` would be read back as something else. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return plain && typeof Reflect.get(value, 'toJSON') !== 'function';
}

/** A value in words, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = Object(Reflect.get(value, 'constructor')).name;
  const advice = value instanceof Date ? ' (use toISOString)' : '';
  return typeof name === 'string' && name !== '' && name !== 'Object'
    ? `an instance of ${name}${advice}`
    : 'an object with its own toJSON';
}
