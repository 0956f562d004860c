/** What the host asks an application about its state. */

import { AppError, ConfigurationError } from '../errors.js';
import type { Application } from './application.js';
import type { Clock } from './clock.js';
import { invoke, within } from './deadline.js';
import { QUERY_WITHIN } from './limits.js';
import { reasonOf } from './outcome.js';

/**
 * @throws ConfigurationError when the application answers no questions; AppError naming it when it throws, or takes
 * too long.
 */
export async function queryApplication(
  app: Application,
  name: string,
  args: unknown,
  clock: Clock,
): Promise<unknown> {
  const { eventAppId, instance } = app;
  if (typeof instance.query !== 'function') {
    throw new ConfigurationError(`${eventAppId} answers no queries: start() returned no query function`);
  }
  const what = `query ${JSON.stringify(name)}`;
  try {
    return await within(
      clock,
      QUERY_WITHIN,
      what,
      invoke(() => instance.query?.(name, args)),
    );
  } catch (error) {
    throw new AppError(eventAppId, `${what} failed: ${reasonOf(error)}`, { cause: error });
  }
}
