/** The steps of the check, in order. Each starts its own hosts. */

import type { StepContext } from './step-context.js';
import { checkCancellation } from './steps/cancellation.js';
import { checkExactlyOnce, checkRepeatedPush } from './steps/crashes.js';
import { checkDeclaredTypes } from './steps/declared-types.js';
import { checkBrokenContent, checkRefusals } from './steps/refusals.js';
import { checkStartAndStop } from './steps/start-stop.js';
import { checkBrokenStreams, checkSlowStreams } from './steps/streams.js';

export interface Step {
  /** Shown as progress, and in findings. */
  readonly name: string;
  run(context: StepContext): Promise<void>;
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
