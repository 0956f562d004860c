/** Validates the return value of `start` against the manifest. */

import { AppError } from '../../errors.js';
import { nearestWord } from '../../text.js';
import type { Manifest } from '../contract/manifest.js';
import type { PushAppInstance } from '../contract/push-app.js';

/** @throws AppError that names what is missing and what was expected. */
export function requireInstance(manifest: Manifest, instance: unknown): asserts instance is PushAppInstance {
  const { eventAppId, needs } = manifest;
  const { receive, alarm, services }: Partial<Record<string, unknown>> = Object(instance);
  if (typeof receive !== 'function') {
    throw new AppError(
      eventAppId,
      'start() returned no receive function; expected start() { return { receive(push) { … } } }',
    );
  }
  if (needs.includes('schedule') && typeof alarm !== 'function') {
    throw new AppError(
      eventAppId,
      'needs "schedule", but start() returned no alarm function; expected return { alarm({ key, at, data }) { … }, … }',
    );
  }
  requireServices(manifest, services);
}

function requireServices({ eventAppId, provides }: Manifest, services: unknown): void {
  const returned: Readonly<Record<string, unknown>> = { ...Object(services) };
  for (const name of provides) {
    const service = returned[name];
    if ((typeof service === 'object' && service !== null) || typeof service === 'function') continue;
    throw new AppError(
      eventAppId,
      `provides "${name}", but start() returned no such service; expected return { services: { '${name}': { … } }, … }`,
    );
  }
  const other = Object.keys(returned).find((name) => !provides.includes(name));
  if (other === undefined) return;
  const nearest = nearestWord(other, provides);
  throw new AppError(
    eventAppId,
    `start() returned the service "${other}", which provides does not name${nearest ? `; did you mean "${nearest}"?` : `; expected provides: ['${other}']`}`,
  );
}
