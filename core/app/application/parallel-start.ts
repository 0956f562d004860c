/** Starts applications at the same time, each after those that it depends on. */

import { ConfigurationError } from '../../errors.js';
import { eventAppKey } from '../contract/event-app-id.js';
import type { LoadItem } from './load-order.js';

export interface ParallelStart<T> {
  start(app: T): Promise<unknown>;
  /** @returns whether the others start without this application. */
  omit(app: T, error: unknown): boolean;
}

/**
 * Applications with the same event-app-id start one after another, because their order decides which one receives a
 * push.
 * @param ordered each application is after those that it needs.
 * @throws the first error of an application that is not omitted, after all calls of `start` have ended.
 */
export async function startInParallel<T extends LoadItem>(
  ordered: readonly T[],
  { start, omit }: ParallelStart<T>,
): Promise<void> {
  /** Resolves to whether the application started. */
  const starts = new Map<T, Promise<boolean>>();
  const errors = new Map<T, unknown>();
  const startAfter = async (app: T, before: readonly [other: T, started: Promise<boolean>][]) => {
    try {
      for (const [other, started] of before) {
        if (!(await started)) requireNotNeeded(other, app);
      }
      // The caller stops all of them.
      if (errors.size > 0) return false;
      await start(app);
      return true;
    } catch (error) {
      if (!omit(app, error)) errors.set(app, error);
      return false;
    }
  };
  for (const app of ordered) {
    const before = [...starts].filter(([other]) => precedes(other, app));
    starts.set(app, startAfter(app, before));
  }
  await Promise.all(starts.values());
  const failed = ordered.find((app) => errors.has(app));
  if (failed) throw errors.get(failed);
}

function precedes(other: LoadItem, app: LoadItem): boolean {
  return eventAppKey(other.eventAppId) === eventAppKey(app.eventAppId) || neededOf(other, app) !== undefined;
}

function neededOf(provider: LoadItem, app: LoadItem): string | undefined {
  return app.needs.find((name) => provider.provides.includes(name));
}

function requireNotNeeded(provider: LoadItem, app: LoadItem): void {
  const name = neededOf(provider, app);
  if (name === undefined) return;
  throw new ConfigurationError(
    `${app.eventAppId}: needs "${name}" of ${provider.eventAppId}, which was not started`,
  );
}
