/** Removes undefined properties. */

/** `T` without the properties that are undefined: a property that can be undefined becomes optional. */
type Defined<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/**
 * Returns a copy of `values` without its undefined properties. Use it where an undefined option must not replace a
 * default: `{ ...DEFAULTS, ...defined(options) }`.
 */
export function defined<T extends object>(values: T): Defined<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  // Object.fromEntries returns an untyped record.
  return Object.fromEntries(entries) as Defined<T>;
}
