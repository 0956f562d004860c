/** Values without those that are not there. */

/** A key whose value may be undefined is one that may be absent. */
type Defined<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/** An optional key of zod's, or a value that was looked for, may be undefined: an optional property may not. */
export function defined<T extends object>(values: T): Defined<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  // The same keys and values, fewer of them: what Object.fromEntries cannot say.
  return Object.fromEntries(entries) as Defined<T>;
}
