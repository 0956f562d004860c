/** Options that a host has for an application, held against its manifest ahead of its module. */

import { z } from 'zod';
import { ConfigurationError } from '../../core/errors.js';
import { validate } from '../config/validate.js';
import type { PackageApplication } from './package-manifest.js';

/** @throws ConfigurationError naming the application, each option that is wrong, and the nearest known one. */
export function checkOptions({ id, options: schema }: PackageApplication, options: unknown): void {
  if (schema === undefined) return;
  validate(schemaOf(id, schema), options ?? {}, `options of ${id}`);
}

/** Of what an application needs to start: the first of its schema's `examples`; undefined where it has none. */
export function exampleOptions({ options: schema }: PackageApplication): unknown {
  const examples: unknown = schema?.examples;
  return Array.isArray(examples) ? examples[0] : undefined;
}

function schemaOf(id: string, schema: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    return z.fromJSONSchema(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      `"options" of ${id} in its package.json is no JSON Schema that this host can read: ${reason}`,
      { cause: error },
    );
  }
}
