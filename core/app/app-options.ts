/** What the host's configuration says for an application, held against that application's schema. */

import { ConfigurationError } from '../errors.js';
import type { Clock } from './clock.js';
import { invoke, within } from './deadline.js';
import { OPTIONS_WITHIN } from './limits.js';
import { reasonOf } from './outcome.js';
import type { StandardSchemaIssue, StandardSchemaResult, StandardSchemaV1 } from './standard-schema.js';

/** Things that are wrong, told at once. */
const MAX_ISSUES = 20;

/**
 * What its schema makes of them; without one they are as they are.
 * @throws ConfigurationError naming the application, each option that is wrong, and what the schema says of it.
 */
export async function readOptions(
  eventAppId: string,
  schema: StandardSchemaV1 | undefined,
  options: unknown,
  clock: Clock,
): Promise<unknown> {
  if (schema === undefined) return options;
  const result = await validated(eventAppId, schema, options ?? {}, clock);
  if (result.issues === undefined) return result.value;
  const lines = result.issues
    .slice(0, MAX_ISSUES)
    .map((issue) => `${eventAppId}: ${pathOf(issue)}: ${reasonOf(issue.message)}`);
  throw new ConfigurationError(lines.join('\n'));
}

async function validated(
  eventAppId: string,
  schema: StandardSchemaV1,
  options: unknown,
  clock: Clock,
): Promise<StandardSchemaResult<unknown>> {
  try {
    const result = invoke(() => schema['~standard'].validate(options));
    return await within(clock, OPTIONS_WITHIN, 'its validate()', result);
  } catch (error) {
    throw new ConfigurationError(
      `${eventAppId}: its options could not be checked, by its schema: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/** `options.cities[0].name` */
function pathOf({ path = [] }: StandardSchemaIssue): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return keys.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    'options',
  );
}
