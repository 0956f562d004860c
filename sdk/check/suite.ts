/** The steps of the check, in order: each has hosts of its own. */

import type { Bench } from './bench.js';
import { checkCancellation } from './steps/cancels.js';
import { checkExactlyOnce, checkRepeatedPush } from './steps/crashes.js';
import { checkRefusals, checkBrokenContent } from './steps/refusals.js';
import { checkStartAndStop } from './steps/start-stop.js';
import { checkBrokenStreams, checkSlowStreams } from './steps/streams.js';
import { checkDeclaredTypes } from './steps/takes.js';

/** One step. */
export interface Step {
  /** For people, while it runs. */
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

export const STEPS: readonly Step[] = [
  { name: 'start and stop', run: checkStartAndStop },
  { name: 'each declared type', run: checkDeclaredTypes },
  { name: 'refusals', run: checkRefusals },
  { name: 'broken content', run: checkBrokenContent },
  { name: 'slow streams', run: checkSlowStreams },
  { name: 'broken streams', run: checkBrokenStreams },
  { name: 'the same push twice', run: checkRepeatedPush },
  { name: 'a crash between receive and commit', run: checkExactlyOnce },
  { name: 'cancellation', run: checkCancellation },
];
