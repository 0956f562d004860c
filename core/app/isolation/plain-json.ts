/** JSON values of an application, on their way to the host. */

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
