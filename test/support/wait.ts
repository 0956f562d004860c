/** Waits for events. No test asserts on time: the deadlines expire only on failure. */

import { setTimeout as pause } from 'node:timers/promises';
import { FULL } from './scale.js';

/**
 * Milliseconds that a test waits for one event: many times what a busy machine needs, but less than `testTimeout`, so
 * that the error names the event.
 */
export const PATIENCE_MS = 250_000;
/** The same for a long job, such as an installation, a large transfer or thousands of calls. */
export const JOB_MS = FULL ? 1_500_000 : 500_000;
const STEP_MS = 20;

/**
 * Repeats `attempt` until it returns a value other than undefined. Rejects with an error that contains `what` if it
 * does not return one in time.
 */
export async function eventually<T>(
  what: string | (() => string),
  attempt: () => Promise<T | undefined> | T | undefined,
  withinMs = PATIENCE_MS,
): Promise<T> {
  // Counts steps, because the clock may be fake.
  for (let step = 0; step * STEP_MS < withinMs; step++) {
    const result = await attempt();
    if (result !== undefined) return result;
    await pause(STEP_MS);
  }
  throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
}

/**
 * Repeats an assertion until it passes, and resolves with its value; rejects with its last error. Waits in real time,
 * without advancing a fake clock.
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
