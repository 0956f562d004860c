/**
 * Standard Schema, version 1 (https://standardschema.dev): the one interface that schemas of zod, Valibot, ArkType and
 * others have. The specification asks that its types be copied rather than depended on.
 */

import { ConfigurationError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { invoke, within } from '../../time/deadline.js';
import { OPTIONS_WITHIN } from '../limits.js';

/** A schema of any library that follows Standard Schema. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

/** What such a schema says of itself. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  /** Name of the library. */
  readonly vendor: string;
  /** What it makes of a value. */
  readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** For the compiler alone. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What it made of a value, or what is wrong with that. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

/** One thing that is wrong with a value. */
export interface StandardSchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What the host's configuration says for an application, held against that application's schema. */

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
