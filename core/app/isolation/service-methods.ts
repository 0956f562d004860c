/** The functions of a service, by name: what of it can be called from another thread. */

import { ConfigurationError } from '../../errors.js';

/**
 * Of an object of a class its methods; what it keeps in fields is its own.
 * @param name of the service, for messages.
 * @throws ConfigurationError where a plain object has something else, which cannot cross.
 */
export function methodsOf(name: string, service: unknown): string[] {
  if (typeof service !== 'object' || service === null) {
    throw new ConfigurationError(
      `service "${name}" is a ${typeof service}; between an application in a worker and others, expected an object of functions that give promises`,
    );
  }
  const methods = new Set<string>();
  const plain = parentOf(service) === Object.prototype || parentOf(service) === null;
  for (let level: object | null = service; level && level !== Object.prototype; level = parentOf(level)) {
    for (const key of Object.getOwnPropertyNames(level)) {
      if (key === 'constructor') continue;
      const value: unknown = Reflect.get(service, key);
      if (typeof value !== 'function' && !plain) continue;
      if (typeof value !== 'function') {
        throw new ConfigurationError(
          `service "${name}" has "${key}", which is no function; between an application in a worker and others, expected functions that give promises`,
        );
      }
      methods.add(key);
    }
  }
  return [...methods];
}

/** What looks like the service, and calls `call`. */
export function serviceOf(
  methods: readonly string[],
  call: (method: string, args: readonly unknown[]) => Promise<unknown>,
): Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>> {
  return Object.freeze(
    Object.fromEntries(methods.map((method) => [method, (...args: unknown[]) => call(method, args)])),
  );
}

function parentOf(level: object): object | null {
  return Object.getPrototypeOf(level);
}
