/** Holds a configuration against its schema; errors name the key, and the nearest one that exists. */

import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { ConfigurationError } from '../../../core/errors.js';

/** @throws ConfigurationError listing everything that is wrong with `value`, one thing a line. */
export function validate<T extends z.ZodType>(schema: T, value: unknown, source: string): z.infer<T> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => describe(issue, schema));
  throw new ConfigurationError(problems.map((problem) => `${source}: ${problem}`).join('\n'));
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType): string[] {
  const at = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => `unknown key "${at ? `${at}.` : ''}${key}"${suggestion(key, known)}`);
  }
  if (issue.code === 'invalid_union') {
    // The branch that got furthest says most.
    const branches = issue.errors.filter((issues) => issues.length > 0);
    const deepest = branches.sort((a, b) => depth(b) - depth(a))[0] ?? [];
    return deepest.flatMap((inner) => describe({ ...inner, path: [...issue.path, ...inner.path] }, schema));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) return [`"${at}" is missing`];
  return [`"${at}": ${issue.message.replace(/^Invalid input: /, '')}`];
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index ? '.' : ''}${String(part)}`))
    .join('');
}

/** A suggestion further off than a third of the key would be a guess. */
function suggestion(key: string, known: readonly string[]): string {
  const nearest = known.length > 0 ? closest(key, known) : undefined;
  if (
    nearest !== undefined &&
    distance(key.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, key.length / 3)
  ) {
    return `; did you mean "${nearest}"?`;
  }
  return known.length > 0 ? `; expected one of ${known.join(', ')}` : '';
}

/** Keys of the object schema at `path`, looking through optionals, arrays and unions. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let candidates: unknown[] = [schema];
  for (const part of path)
    candidates = candidates.flatMap(inner).flatMap((candidate) => child(candidate, part));
  return [
    ...new Set(candidates.flatMap(inner).flatMap((candidate) => Object.keys(shapeOf(candidate) ?? {}))),
  ];
}

interface Definition {
  innerType?: unknown;
  options?: unknown[];
  element?: unknown;
  shape?: Record<string, unknown>;
}

function definitionOf(schema: unknown): Definition {
  return (schema as { def?: Definition }).def ?? {};
}

function inner(schema: unknown): unknown[] {
  const { innerType, options } = definitionOf(schema);
  if (innerType) return inner(innerType);
  return options ? options.flatMap(inner) : [schema];
}

function child(schema: unknown, part: PropertyKey): unknown[] {
  const { element } = definitionOf(schema);
  if (typeof part === 'number') return element ? [element] : [];
  const next = shapeOf(schema)?.[String(part)];
  return next ? [next] : [];
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return definitionOf(schema).shape;
}
