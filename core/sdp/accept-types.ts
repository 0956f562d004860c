/** a=accept-types and a=accept-wrapped-types (RFC 4975 8.6, 9): media types, ranges (`image/*`), or `*`. */

import { ConfigurationError } from '../errors.js';

/** A parameter's value may be quoted, with blanks in it. */
const ENTRY = /(?:[^\s"]|"[^"]*")+/g;
const WRITABLE = /^(?:[!#-~]|"[ !#-~]*")+$/;

/** As written, in the order of preference. */
export function parseAcceptTypes(value: string): string[] {
  return value.match(ENTRY) ?? [];
}

/** @throws ConfigurationError */
export function formatAcceptTypes(types: readonly string[]): string {
  for (const type of types) {
    if (!WRITABLE.test(type)) {
      throw new ConfigurationError(`accept-types: ${JSON.stringify(type)} is no media type or range`);
    }
  }
  // RFC 4975 9: everything is `*` here, not `*/*` as in Accept.
  return types.map((type) => (type === '*/*' ? '*' : type)).join(' ');
}

/**
 * Whether a list has `type` in it. Case and parameters do not count. Of accept-types: as a message of its own; of
 * accept-wrapped-types: inside a container that accept-types has (RFC 4975 8.6).
 */
export function takes(acceptTypes: readonly string[], type: string): boolean {
  const wanted = essence(type);
  if (!wanted.includes('/')) return false;
  return acceptTypes.map(essence).some((range) => {
    if (range === '*' || range === '*/*' || range === wanted) return true;
    return range.endsWith('/*') && wanted.startsWith(range.slice(0, -1));
  });
}

function essence(type: string): string {
  return (type.split(';', 1)[0] ?? '').trim().toLowerCase();
}
