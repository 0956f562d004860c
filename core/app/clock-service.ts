/** The `clock` service. */

import type { Clock } from './clock.js';
import { inject, injectable } from './injection.js';
import type { AppClock } from './services.js';
import { CLOCK } from './tokens.js';

@injectable()
export class ClockService implements AppClock {
  constructor(@inject(CLOCK) private readonly clock: Clock) {}

  readonly now = () => new Date(this.clock.now());
}
