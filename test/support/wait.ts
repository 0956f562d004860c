/** Waits for events. No test asserts on time: these deadlines pass only where something is broken. */

import { setTimeout as pause } from 'node:timers/promises';
import { FULL } from './scale.js';

/**
 * How long a test waits for one event, milliseconds: many times what it takes on a busy machine, and less than
 * `testTimeout`, so that the error names the event.
 */
export const PATIENCE_MS = 100_000;
/** The same for a whole job: an installation, a transfer of hundreds of megabytes, thousands of calls. */
export const JOB_MS = FULL ? 1_500_000 : 500_000;
const STEP_MS = 20;

/**
 * Repeats `attempt` until it returns something other than undefined; rejects with `what`, as it is then, when it never
 * does.
 */
export async function eventually<T>(
  what: string | (() => string),
  attempt: () => Promise<T | undefined> | T | undefined,
  withinMs = PATIENCE_MS,
): Promise<T> {
  // Counts steps: a clock may be fake.
  for (let step = 0; step * STEP_MS < withinMs; step++) {
    const result = await attempt();
    if (result !== undefined) return result;
    await pause(STEP_MS);
  }
  throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
}

/**
 * Repeats an assertion until it holds, and resolves with its value; rejects with its last error. Waits in real time,
 * and leaves a fake clock as it is.
 */
export async function until<T>(assertion: () => Promise<T> | T): Promise<T> {
  for (let step = 0; ; step++) {
    try {
      return await assertion();
    } catch (error) {
      if (step * STEP_MS >= PATIENCE_MS) throw error;
    }
    await pause(STEP_MS);
  }
}
