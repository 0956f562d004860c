/** Validates the options of an application against its manifest, before its module is loaded. */

import { z } from 'zod';
import { ConfigurationError } from '../../core/errors.js';
import { reasonOf } from '../../core/text.js';
import { validate } from '../config/validate.js';
import type { PackageApplication } from './package-manifest.js';

/** @throws ConfigurationError naming the application, each invalid option, and the most similar known option. */
export function checkOptions(
  { id, options: schema }: Pick<PackageApplication, 'id' | 'options'>,
  options: unknown,
): void {
  if (schema === undefined) return;
  validate(schemaOf(id, schema), options ?? {}, `options of ${id}`, (path) => descriptionAt(schema, path));
}

/** The description of an option; undefined if it has none, or only some of several alternatives have the option. */
function descriptionAt(schema: unknown, path: readonly PropertyKey[]): string | undefined {
  let found: unknown = schema;
  for (const key of path) {
    const { properties, items }: { properties?: unknown; items?: unknown } = Object(found);
    found = typeof key === 'number' ? items : Reflect.get(Object(properties), key);
  }
  const { description }: { description?: unknown } = Object(found);
  return typeof description === 'string' ? description : undefined;
}

/** Example options for an application: the first of `examples` in its schema; undefined if it has none. */
export function exampleOptions({ options: schema }: Pick<PackageApplication, 'options'>): unknown {
  const examples: unknown = schema?.examples;
  return Array.isArray(examples) ? examples[0] : undefined;
}

function schemaOf(id: string, schema: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    return z.fromJSONSchema(schema);
  } catch (error) {
    throw new ConfigurationError(
      `invalid "options" of ${id} in its package.json: expected a JSON Schema that this host supports: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}
