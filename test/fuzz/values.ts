/** Values of any type: their size, and whether two are equal. */

/** Characters, bytes, and the objects and properties that hold them. */
export function sizeOf(value: unknown): number {
  let size = 0;
  const open: unknown[] = [value];
  const seen = new Set<object>();
  while (open.length > 0) {
    const next = open.pop();
    size += 1;
    if (typeof next === 'string') size += next.length;
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof Uint8Array) size += next.length;
    else for (const part of partsOf(next)) open.push(part);
  }
  return size;
}

function partsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (Array.isArray(value) || value instanceof Set) return value;
  return Object.entries(value).flat();
}

/** The path of the first difference; undefined if there is none. An absent property equals an undefined one. */
export function difference(one: unknown, other: unknown, path = 'value'): string | undefined {
  if (Object.is(one, other)) return undefined;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return `${path} (${text(one)} and ${text(other)})`;
  }
  if (one instanceof Uint8Array || other instanceof Uint8Array) {
    const same = one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0;
    return same ? undefined : `${path} (${text(one)} and ${text(other)})`;
  }
  if (one instanceof Date && other instanceof Date) {
    return difference(one.getTime(), other.getTime(), path);
  }
  if (one instanceof Map && other instanceof Map) return difference([...one], [...other], path);
  const before = one as Record<string, unknown>;
  const after = other as Record<string, unknown>;
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = difference(
      Object.hasOwn(before, key) ? before[key] : undefined,
      Object.hasOwn(after, key) ? after[key] : undefined,
      `${path}.${key}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function text(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, 100)).toString('hex');
  return typeof value === 'object' ? 'an object' : String(JSON.stringify(value)).slice(0, 200);
}
