/**
 * The options of an application, parsed by its schema. The types are those of Standard Schema 1
 * (https://standardschema.dev), the common interface of zod, Valibot and ArkType, which recommends copying them.
 */

import { ConfigurationError } from '../../errors.js';
import { pathText, reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { invoke, within } from '../../time/deadline.js';
import { OPTIONS_WITHIN } from '../limits.js';
import { issueText } from './issue-text.js';

/** A schema from a library that supports Standard Schema (https://standardschema.dev). */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** The interface of the schema. */
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

/** The interface of a Standard Schema. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** Version of Standard Schema. */
  readonly version: 1;
  /** Name of the library. */
  readonly vendor: string;
  /** Parses a value. */
  readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** Types for the compiler; absent at run time. */
  readonly types?:
    | {
        /** Type of the value before parsing. */
        readonly input: Input;
        /** Type of the value after parsing. */
        readonly output: Output;
      }
    | undefined;
}

/** The parsed value, or the issues of an invalid one. */
export type StandardSchemaResult<Output> =
  | {
      /** The parsed value. */
      readonly value: Output;
      /** Absent: the value is valid. */
      readonly issues?: undefined;
    }
  | {
      /** What is wrong with the value. */
      readonly issues: readonly StandardSchemaIssue[];
    };

/** One issue of an invalid value. */
export interface StandardSchemaIssue {
  /** What is wrong, for people. */
  readonly message: string;
  /** Keys that lead to the invalid part of the value. */
  readonly path?:
    | readonly (
        | PropertyKey
        | {
            /** A key of the path. */
            readonly key: PropertyKey;
          }
      )[]
    | undefined;
}

/** Issues in one error. */
const MAX_ISSUES = 20;

/**
 * The options as the schema parses them; without a schema they are unchanged.
 * @throws ConfigurationError that names the application and each invalid option, with the message of the schema.
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
  const lines = issuesText(result.issues, 'options').map((issue) => `${eventAppId}: ${issue}`);
  throw new ConfigurationError(lines.join('\n'));
}

/** One text for each issue: `options.cities[0].name: expected a string`. */
export function issuesText(issues: readonly StandardSchemaIssue[], root: string): string[] {
  return issues.slice(0, MAX_ISSUES).map((issue) => {
    const path = pathOf(issue, root);
    const reason = reasonOf(issueText(issue));
    return path === '' ? reason : `${path}: ${reason}`;
  });
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
      `${eventAppId}: the schema could not validate the options: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

function pathOf({ path = [] }: StandardSchemaIssue, root: string): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return pathText(keys, root);
}
