/** Validates the return value of `start` against the manifest. */

import { AppError } from '../../errors.js';
import { didYouMean, suggestion } from '../../text.js';
import type { Manifest } from '../contract/manifest.js';
import type { PushAppInstance } from '../contract/push-app.js';

/** `start` returned an invalid instance. The message names what is missing or unknown. */
export class InvalidInstanceError extends AppError {
  static {
    InvalidInstanceError.prototype.name = 'InvalidInstanceError';
  }
}

/** @throws InvalidInstanceError that names what is missing and what was expected. */
export function requireInstance(manifest: Manifest, instance: unknown): asserts instance is PushAppInstance {
  const { eventAppId, needs } = manifest;
  const { receive, alarm, queries, services }: Partial<Record<string, unknown>> = Object(instance);
  // Checked before a missing `receive`, because it can be misspelled.
  const unknown = unknownHook(instance);
  if (unknown !== undefined) {
    throw new InvalidInstanceError(
      eventAppId,
      `start() returned "${unknown}", which the host does not know${suggestion(unknown, MEMBERS)}`,
    );
  }
  if (typeof receive !== 'function') {
    throw new InvalidInstanceError(
      eventAppId,
      'start() returned no receive function: expected start() { return { receive(push) { … } } }',
    );
  }
  requireOneParameter(eventAppId, receive);
  if (needs.includes('schedule') && typeof alarm !== 'function') {
    throw new InvalidInstanceError(
      eventAppId,
      'needs "schedule", but start() returned no alarm function: expected return { alarm({ key, at, data }) { … }, … }',
    );
  }
  requireQueries(manifest, queries);
  requireServices(manifest, services);
}

/** What `start` can return. */
const MEMBERS: readonly (keyof PushAppInstance)[] = [
  'receive',
  'consider',
  'describe',
  'alarm',
  'negotiated',
  'stop',
  'queries',
  'services',
];

/** The host would never call it. An instance of a class can have members of its own. */
export function unknownHook(instance: unknown): string | undefined {
  if (typeof instance !== 'object' || instance === null || !isPlain(instance)) return undefined;
  const known: readonly string[] = MEMBERS;
  return Object.keys(instance).find(
    (name) => !known.includes(name) && Reflect.get(instance, name) !== undefined,
  );
}

function isPlain(instance: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(instance);
  // The prototype of another realm, such as that of a test runner, has no prototype itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** An application for an earlier contract would fail at its first push. */
function requireOneParameter(eventAppId: string, receive: { readonly length: number }): void {
  if (receive.length <= 1) return;
  throw new InvalidInstanceError(
    eventAppId,
    `receive has ${receive.length} parameters: expected receive(push): commit and signal are properties of the push`,
  );
}

function requireQueries({ eventAppId, queries }: Manifest, returned: unknown): void {
  const handlers: Readonly<Record<string, unknown>> = { ...Object(returned) };
  for (const name of Object.keys(queries)) {
    if (typeof handlers[name] === 'function') continue;
    throw new InvalidInstanceError(
      eventAppId,
      `declares the query "${name}", but start() returned no such function: expected return { queries: { ${name}: () => … }, … }`,
    );
  }
}

function requireServices({ eventAppId, provides }: Manifest, services: unknown): void {
  const returned: Readonly<Record<string, unknown>> = { ...Object(services) };
  for (const name of provides) {
    const service = returned[name];
    if ((typeof service === 'object' && service !== null) || typeof service === 'function') continue;
    throw new InvalidInstanceError(
      eventAppId,
      `provides "${name}", but start() returned no such service: expected return { services: { '${name}': { … } }, … }`,
    );
  }
  const other = Object.keys(returned).find((name) => !provides.includes(name));
  if (other === undefined) return;
  throw new InvalidInstanceError(
    eventAppId,
    `start() returned the service "${other}", which provides does not name${didYouMean(other, provides) || `: expected provides: ['${other}']`}`,
  );
}
