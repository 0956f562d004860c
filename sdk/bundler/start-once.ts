/** Starts the applications of a bundle once before it is made, because only `start` returns their hooks. */

import { platform } from '#platform';
import '../../core/platform/memory-store.js';
import { LoadOrderError } from '../../core/app/application/load-order.js';
import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import { type AppToLoad, PushRuntime } from '../../core/app/runtime.js';
import { AppError } from '../../core/errors.js';

/**
 * The store is in memory, and no HTTP request is allowed.
 * @param warn called for an application that is optional, or whose `start` throws: the device can differ from this
 * machine.
 * @throws ConfigurationError for invalid options; AppError if `start` returns what the contract does not allow.
 */
export async function startOnce(apps: readonly AppToLoad[], warn: (line: string) => void): Promise<void> {
  let remaining = apps;
  for (;;) {
    const error = await failureOf(remaining);
    if (error === undefined) return;
    // A provider has failed, which a warning reports.
    if (error instanceof LoadOrderError && remaining.length < apps.length) return;
    const failed = error instanceof AppError ? remaining.find((app) => isOf(app, error)) : undefined;
    if (!failed || !(failed.optional || Object(error).cause !== undefined)) throw error;
    warn(`${Object(error).message}; the bundle contains it, as it may start on the device`);
    remaining = remaining.filter((app) => app !== failed);
  }
}

async function failureOf(apps: readonly AppToLoad[]): Promise<unknown> {
  const store = await platform.openStore();
  try {
    const runtime = await PushRuntime.open({ store, fetch: { allow: [] } });
    try {
      await runtime.loadAll(apps.map((app) => ({ ...app, optional: false })));
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await runtime.stop();
    }
  } finally {
    await store.close();
  }
}

function isOf({ definition }: AppToLoad, { eventAppId }: AppError): boolean {
  return canonicalEventAppId(definition.id) === eventAppId;
}
