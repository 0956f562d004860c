/** The steps of the check, in order: each has hosts of its own. */

import type { Bench } from './bench.js';
import { stopsInTheMiddle } from './steps/cancels.js';
import { exactlyOnce, takesTwice } from './steps/crashes.js';
import { refusesOthers, survivesBroken } from './steps/refusals.js';
import { startAndStop } from './steps/start-stop.js';
import { letsGoOfBroken, takesSlowly } from './steps/streams.js';
import { takesItsTypes } from './steps/takes.js';

/** One step. */
export interface Step {
  /** For people, while it runs. */
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

export const STEPS: readonly Step[] = [
  { name: 'start and stop', run: startAndStop },
  { name: 'each declared type', run: takesItsTypes },
  { name: 'refusals', run: refusesOthers },
  { name: 'broken content', run: survivesBroken },
  { name: 'slow streams', run: takesSlowly },
  { name: 'broken streams', run: letsGoOfBroken },
  { name: 'the same push twice', run: takesTwice },
  { name: 'a crash between receive and commit', run: exactlyOnce },
  { name: 'cancellation', run: stopsInTheMiddle },
];
