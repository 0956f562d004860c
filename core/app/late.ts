/** When a sender has to be answered, whatever has become of its push. */

import type { Clock } from './clock.js';

/** What may be waited for beside a promise: `passed` resolves after `milliseconds`, unless it is cancelled. */
export interface Deadline {
  readonly passed: Promise<'late'>;
  cancel(): void;
}

export function deadline(clock: Clock, milliseconds: number): Deadline {
  let cancel = () => {};
  const passed = new Promise<'late'>((resolve) => {
    cancel = clock.after(milliseconds, () => resolve('late'));
  });
  return { passed, cancel };
}

/** As the promise, or `late` after `milliseconds`. */
export async function orLate<T>(
  clock: Clock,
  milliseconds: number,
  promise: Promise<T>,
): Promise<T | 'late'> {
  const { passed, cancel } = deadline(clock, milliseconds);
  return await Promise.race([promise, passed]).finally(cancel);
}
