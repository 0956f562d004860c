/** What is called although a bundle was made without it. */

export function without(feature: string): never {
  throw new Error(`this bundle was made without ${feature}`);
}
