/** Which keys a schema has at a place, through its optionals, arrays and unions. */

import type { z } from 'zod';

export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let candidates: unknown[] = [schema];
  for (const part of path)
    candidates = candidates.flatMap(alternatives).flatMap((candidate) => childOf(candidate, part));
  const objects = candidates.flatMap(alternatives);
  return [...new Set(objects.flatMap((candidate) => Object.keys(definitionOf(candidate).shape ?? {})))];
}

/** What is read here of zod's definitions. */
interface Definition {
  /** Of an optional. */
  innerType?: unknown;
  /** Of a union. */
  options?: unknown[];
  /** Of an array. */
  element?: unknown;
  /** Of a record. */
  valueType?: unknown;
  /** Of an object. */
  shape?: Record<string, unknown>;
}

function definitionOf(schema: unknown): Definition {
  return (schema as { def?: Definition }).def ?? {};
}

function alternatives(schema: unknown): unknown[] {
  const { innerType, options } = definitionOf(schema);
  if (innerType) return alternatives(innerType);
  return options ? options.flatMap(alternatives) : [schema];
}

function childOf(schema: unknown, part: PropertyKey): unknown[] {
  const { element, valueType, shape } = definitionOf(schema);
  const child = typeof part === 'number' ? element : (shape?.[String(part)] ?? valueType);
  return child === undefined ? [] : [child];
}
