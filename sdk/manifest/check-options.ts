/** Validates the options of an application against its manifest, before its module is loaded. */

import { z } from 'zod';
import { ConfigurationError } from '../../core/errors.js';
import { reasonOf } from '../../core/text.js';
import { validate } from '../config/validate.js';
import type { PackageApplication } from './package-manifest.js';

/** @throws ConfigurationError naming the application, each invalid option, and the most similar known option. */
export function checkOptions({ id, options: schema }: PackageApplication, options: unknown): void {
  if (schema === undefined) return;
  validate(schemaOf(id, schema), options ?? {}, `options of ${id}`);
}

/** Example options for an application: the first of `examples` in its schema; undefined if it has none. */
export function exampleOptions({ options: schema }: PackageApplication): unknown {
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
