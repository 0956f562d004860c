/** JSON values of an application, on their way to the host. */

import { ConfigurationError } from '../../errors.js';

/**
 * What JSON makes of a value (`toJSON`, no functions, dates as text), since that is what is written or told in the end;
 * bytes as they are. What is no JSON goes over as it is: the host says what is wrong with it.
 */
export function plainJson(value: unknown): unknown {
  // A part of a buffer would go over with all of it.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  try {
    const text = JSON.stringify(value);
    return text === undefined ? value : JSON.parse(text);
  } catch {
    return value;
  }
}

/** The functions of a service, by name: what of it can be called from another thread. */

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
