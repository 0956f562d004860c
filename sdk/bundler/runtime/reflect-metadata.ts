/** What tsyringe asks of reflect-metadata (without decorators' own metadata, which esbuild does not write). */

const known = new WeakMap<object, Map<unknown, unknown>>();

export function addMetadata(): void {
  Object.assign(Reflect, {
    defineMetadata(key: unknown, value: unknown, target: object): void {
      const values = known.get(target) ?? new Map<unknown, unknown>();
      known.set(target, values.set(key, value));
    },
    getOwnMetadata: (key: unknown, target: object) => known.get(target)?.get(key),
    getMetadata(key: unknown, target: object): unknown {
      for (let one: unknown = target; one instanceof Object; one = Object.getPrototypeOf(one)) {
        const values = known.get(one);
        if (values?.has(key)) return values.get(key);
      }
      return undefined;
    },
  });
}
