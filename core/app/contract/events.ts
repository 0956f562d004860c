/** Events and queries that an application declares: their names, and checks of their fields and arguments. */

import { AppError } from '../../errors.js';
import { nearestWord, printable, reasonOf } from '../../text.js';
import { handled, invoke } from '../../time/deadline.js';
import { jsonCopy } from '../services/stored-values.js';
import type { Manifest } from './manifest.js';
import { issuesText, type StandardSchemaResult, type StandardSchemaV1 } from './options.js';
import type { PushAppInstance } from './push-app.js';
import type { EventSchemas } from './transaction.js';

/** Fields that the host adds to an event. */
const RESERVED = ['app', 'kind', 'event', 'time', 'eventId'];

/**
 * The fields of an event as its schema parses them, as a JSON copy.
 * @throws AppError that names the kinds that are declared, or the invalid field.
 */
export function checkedEvent(
  eventAppId: string,
  events: EventSchemas,
  kind: unknown,
  fields: unknown = {},
): { kind: string; fields: Readonly<Record<string, unknown>> } {
  const name = requireDeclared(eventAppId, 'event', events, kind);
  return plainEvent(eventAppId, events, name, parsedBy(eventAppId, `event "${name}"`, events[name], fields));
}

/**
 * The fields of an event that its schema has parsed, as a JSON copy. A schema that transforms fields parses them once.
 * @throws AppError or ConfigurationError as `checkedEvent`.
 */
export function plainEvent(
  eventAppId: string,
  events: EventSchemas,
  kind: unknown,
  fields: unknown,
): { kind: string; fields: Readonly<Record<string, unknown>> } {
  const name = requireDeclared(eventAppId, 'event', events, kind);
  const copy: unknown = jsonCopy(`${eventAppId}: event "${name}"`, fields);
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) {
    throw new AppError(eventAppId, `invalid fields of event "${name}": expected an object`);
  }
  const reserved = RESERVED.find((field) => field in copy);
  if (reserved !== undefined) {
    throw new AppError(
      eventAppId,
      `event "${name}" has the field "${reserved}", which the host adds to events: rename it`,
    );
  }
  return { kind: name, fields: { ...copy } };
}

/** A query of an application with valid arguments. */
export interface CheckedQuery {
  /** For messages: `query "messages"`. */
  readonly what: string;
  /** Calls the application. */
  run(): unknown;
}

/**
 * A query with its arguments as its schema parses them; `{}` without arguments.
 * @throws AppError that names the queries that the application answers, or the invalid argument.
 */
export function checkedQuery(
  { eventAppId, queries }: Manifest,
  instance: PushAppInstance,
  name: string,
  args: unknown,
): CheckedQuery {
  const handlers: Readonly<Record<string, unknown>> = { ...instance.queries };
  const handler = handlers[requireDeclared(eventAppId, 'query', handlers, name)];
  const what = `query "${name}"`;
  const schema = Object.hasOwn(queries, name) ? queries[name] : undefined;
  const passed = args ?? (schema === undefined ? args : {});
  const parsed = parsedBy(eventAppId, `arguments of ${what}`, schema, passed);
  if (typeof handler !== 'function') throw new AppError(eventAppId, `${what} is not a function`);
  return { what, run: () => Reflect.apply(handler, handlers, [parsed]) };
}

/** The answer to a query, as a JSON copy. @throws ConfigurationError if it is not JSON. */
export function checkedAnswer(eventAppId: string, what: string, answer: unknown): unknown {
  return answer === undefined ? undefined : jsonCopy(`${eventAppId}: the answer to ${what}`, answer);
}

/** @throws AppError that lists the declared names. */
function requireDeclared(
  eventAppId: string,
  what: 'event' | 'query',
  declared: Readonly<Record<string, unknown>>,
  name: unknown,
): string {
  if (typeof name === 'string' && Object.hasOwn(declared, name)) return name;
  const names = Object.keys(declared);
  const shown = printable(String(name).slice(0, 100));
  const nearest = nearestWord(shown, names);
  const hint = nearest === undefined || names.length === 1 ? '' : `; did you mean "${nearest}"?`;
  const plural = what === 'event' ? 'events' : 'queries';
  const expected = names.length === 0 ? `it has no ${plural}` : `expected one of ${names.join(', ')}`;
  throw new AppError(eventAppId, `unknown ${what} "${shown}": ${expected}${hint}`);
}

/**
 * The value as the schema parses it; unchanged without a schema.
 * @throws AppError with the issues of an invalid value, or when the schema is asynchronous.
 */
function parsedBy(
  eventAppId: string,
  what: string,
  schema: StandardSchemaV1 | true | undefined,
  value: unknown,
): unknown {
  if (schema === undefined || schema === true) return value;
  const result = validated(eventAppId, what, schema, value);
  if (result.issues)
    throw new AppError(eventAppId, `invalid ${what}: ${issuesText(result.issues, '').join('; ')}`);
  return result.value;
}

function validated(
  eventAppId: string,
  what: string,
  schema: StandardSchemaV1,
  value: unknown,
): StandardSchemaResult<unknown> {
  let result: unknown;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    throw new AppError(eventAppId, `the schema of ${what} threw: ${reasonOf(error)}`, { cause: error });
  }
  if (typeof result !== 'object' || result === null) {
    throw new AppError(
      eventAppId,
      `the schema of ${what} returned ${result === null ? 'null' : typeof result}: expected an object`,
    );
  }
  // Promises of another realm, and of libraries, are of other classes.
  if ('then' in result) {
    // Its rejection has no other listener.
    void handled(invoke(() => result));
    throw new AppError(eventAppId, `the schema of ${what} is asynchronous: expected a synchronous one`);
  }
  return result as StandardSchemaResult<unknown>;
}
