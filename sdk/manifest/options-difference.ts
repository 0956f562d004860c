/** Compares the JSON Schema of options in package.json with that of the definition. */

import { isDeepStrictEqual } from 'node:util';
import { differenceText } from '../../core/app/contract/static-manifest.js';
import { pathText } from '../../core/text.js';
import type { JsonSchema } from './options-schema.js';

/**
 * The first difference between the schema in package.json and that of the module, for people; undefined if they are
 * equal. The order of keys has no meaning.
 */
export function optionsDifference(declared: unknown, actual: JsonSchema): string | undefined {
  if (isDeepStrictEqual(declared, actual)) return undefined;
  const { path, one, other } = firstDifference(declared, actual, []);
  return differenceText(pathText(path, 'options'), shown(one), shown(other));
}

interface Difference {
  readonly path: readonly PropertyKey[];
  readonly one: unknown;
  readonly other: unknown;
}

function firstDifference(one: unknown, other: unknown, path: readonly PropertyKey[]): Difference {
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys({ ...one, ...other });
    const key = keys.find((each) => !isDeepStrictEqual(Reflect.get(one, each), Reflect.get(other, each)));
    if (key !== undefined)
      return firstDifference(Reflect.get(one, key), Reflect.get(other, key), [...path, key]);
  }
  return { path, one, other };
}

/** Characters of a value in a difference. */
const MAX_SHOWN = 100;

function shown(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value).slice(0, MAX_SHOWN);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
