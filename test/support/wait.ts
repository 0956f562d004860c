/** Waiting for something that tells nobody when it is there, such as a port that begins to answer. */

import { setTimeout as pause } from 'node:timers/promises';

const STEP_MS = 25;

/** Tries until `attempt` gives something other than undefined; rejects with `what` after `withinMs`. */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined> | T | undefined,
  withinMs = 15_000,
): Promise<T> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    const result = await attempt();
    if (result !== undefined) return result;
    await pause(STEP_MS);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`);
}
