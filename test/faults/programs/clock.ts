/** The clock of the host processes that are killed between their writes. */

import type { Clock } from '../../../core/app/index.js';
import { BACKOFF_BASE } from '../../../core/app/limits.js';

/** Only the first redelivery comes early. Deadlines keep their length, so that none expires on a busy machine. */
export const clock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds === BACKOFF_BASE / 2 ? 125 : milliseconds);
    return () => clearTimeout(timer);
  },
  // The backoff is random: at least half of its base, at most all of it.
  random: () => 0,
};
