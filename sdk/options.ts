/** Checks of the `options` that a host's configuration contains. */

import { ConfigurationError } from '../core/errors.js';

/**
 * Reads the fields of `options`, or of an object in it.
 * @param value the options.
 * @param names names of all fields.
 * @param path name of the value in messages, `options.servers[0]`.
 * @throws ConfigurationError if the value is not an object, or has a field with another name.
 */
export function knownFields<Name extends string>(
  value: unknown,
  names: readonly Name[],
  path = 'options',
): { readonly [name in Name]?: unknown } {
  const expected = names.join(', ');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError(`invalid ${path}: expected an object with ${expected}`);
  }
  const unknown = Object.keys(value).find((key) => !names.some((name) => name === key));
  if (unknown !== undefined) {
    throw new ConfigurationError(`unknown option ${path}.${unknown}: expected ${expected}`);
  }
  return value;
}

/** Whether the value is an absolute http or https URL. */
export function isHttpUrl(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
