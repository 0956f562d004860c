/** Services across threads: their functions by name, and JSON values. */

import { ConfigurationError } from '../../errors.js';

/**
 * The value after `JSON.stringify` and `JSON.parse`, so that `toJSON` applies and functions are left out. Bytes are
 * copied. A value that is not JSON is returned unchanged: the host rejects it with a reason.
 */
export function plainJson(value: unknown): unknown {
  // A view would be cloned with its whole buffer.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  try {
    const text = JSON.stringify(value);
    return text === undefined ? value : JSON.parse(text);
  } catch {
    return value;
  }
}

/**
 * The names of the functions of a service. Fields of an instance of a class are private and left out.
 * @param name name of the service, for messages.
 * @throws ConfigurationError if a plain object contains anything but functions.
 */
export function methodsOf(name: string, service: unknown): string[] {
  if (typeof service !== 'object' || service === null) {
    throw new ConfigurationError(
      `service "${name}" is a ${typeof service}; with an application in a worker, expected an object of functions that return promises`,
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
          `service "${name}" has "${key}", which is not a function; with an application in a worker, expected functions that return promises`,
        );
      }
      methods.add(key);
    }
  }
  return [...methods];
}

/** A proxy of the service: each of its functions calls `call`. */
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
