/** Validates configurations; errors name the invalid key and the most similar known key. */

import { z } from 'zod';
import { AllowList } from '../../core/content/fetch/allow-list.js';
import { ConfigurationError } from '../../core/errors.js';
import { suggestion } from '../../core/text.js';

/** The keys that a schema allows at a path. Follows optionals, arrays, records and unions. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let candidates: unknown[] = [schema];
  for (const part of path)
    candidates = candidates.flatMap(alternatives).flatMap((candidate) => childOf(candidate, part));
  const objects = candidates.flatMap(alternatives);
  return [...new Set(objects.flatMap((candidate) => Object.keys(definitionOf(candidate).shape ?? {})))];
}

/** The properties of zod's schema definitions that `knownKeys` reads. */
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

/** An origin to fetch from. */
export const origin = z
  .string()
  .refine(isOrigin, 'expected an origin, e.g. https://*.operator.test or http://127.0.0.1:*');

function isOrigin(entry: string): boolean {
  try {
    new AllowList([entry]);
    return true;
  } catch {
    return false;
  }
}

type Issue = z.core.$ZodIssue;

/** The description of the value at a path; undefined if it has none. */
export type DescriptionAt = (path: readonly PropertyKey[]) => string | undefined;

/**
 * @param descriptionAt for values whose expected type is not in the documents of this package.
 * @throws ConfigurationError listing all problems of `value`, one per line.
 */
export function validate<T extends z.ZodType>(
  schema: T,
  value: unknown,
  source: string,
  descriptionAt?: DescriptionAt,
): z.infer<T> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const problems: string[] = [];
  for (const issue of result.error.issues) {
    if (problems.length > MAX_PROBLEMS) break;
    problems.push(...describe(issue, schema, descriptionAt));
  }
  const more = problems.length > MAX_PROBLEMS ? [`more than ${MAX_PROBLEMS} problems: expected fewer`] : [];
  const lines = [...problems.slice(0, MAX_PROBLEMS), ...more];
  throw new ConfigurationError(lines.map((line) => `${source}: ${line}`).join('\n'));
}

/** Problems in one error. A request of the HTTP API can have a hundred thousand. */
const MAX_PROBLEMS = 20;
/** Characters of an unknown key in an error. */
const MAX_KEY = 100;

function describe(issue: Issue, schema: z.ZodType, descriptionAt?: DescriptionAt): string[] {
  const { path } = issue;
  const description = descriptionAt?.(path);
  const meaning = description === undefined ? '' : ` (${description})`;
  // zod's messages begin with the kind of problem: "Invalid input: expected string, received number".
  const message = issue.message
    .replace(/^[A-Z][\w ]*: /, '')
    .replace('expected record', 'expected object')
    .replace(/^Invalid URL$/, 'expected a URL')
    .replace(/^expected never.*/, 'not allowed here');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    return issue.keys
      .slice(0, MAX_PROBLEMS + 1)
      .map((key) => key.slice(0, MAX_KEY))
      .map((key) => `unknown key ${pathText([...path, key])}${suggestion(key, known)}`);
  }
  if (issue.input === undefined) {
    const expected = descriptionAt ? `: ${message.replace(/, received undefined$/, '')}` : '';
    return [`${pathText(path)} is missing${expected}${meaning}`];
  }
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.toSorted((one, other) => depthOf(other) - depthOf(one))[0];
    if (branch && depthOf(branch) > 0) {
      return branch.flatMap((inner) =>
        describe({ ...inner, path: [...path, ...inner.path] }, schema, descriptionAt),
      );
    }
    const types = issue.errors
      .flat()
      .flatMap((inner) => (inner.code === 'invalid_type' ? inner.expected : []));
    return [
      `${pathText(path)}: expected ${[...new Set(types)].join(' or ')}, received ${kind(issue.input)}${meaning}`,
    ];
  }
  return [path.length === 0 ? message : `${pathText(path)}: ${message}${meaning}`];
}

/** Depth of the errors in a branch of a union; 0 if the type differs. The deepest branch is probably the intended one. */
function depthOf(issues: readonly Issue[]): number {
  return Math.max(
    0,
    ...issues.map(({ path, code }) => path.length + (code === 'invalid_type' && path.length === 0 ? 0 : 1)),
  );
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** A path as JSON text, such as `"apps[1].use"`. */
function pathText(path: readonly PropertyKey[]): string {
  return JSON.stringify(
    path
      .map((part, index) =>
        typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`,
      )
      .join(''),
  );
}
