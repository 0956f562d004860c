/** The steps of the check, in order. Each starts its own hosts. */

import type { StepContext } from './step-context.js';
import { checkCancellation } from './steps/cancellation.js';
import { checkExactlyOnce, checkRepeatedPush } from './steps/crashes.js';
import { checkDeclaredTypes } from './steps/declared-types.js';
import { checkOrder } from './steps/order.js';
import { checkBrokenContent, checkRefusals } from './steps/refusals.js';
import { checkStartAndStop } from './steps/start-stop.js';
import { checkBrokenStreams, checkSlowStreams } from './steps/streams.js';

export interface Step {
  /** Shown as progress, and in findings. */
  readonly name: string;
  /** Rules whose violation shows in this step too, so that it is skipped then. */
  readonly after?: readonly string[];
  run(context: StepContext): Promise<void>;
}

/** Rules whose violation makes every later step fail. */
export const FUNDAMENTAL: readonly string[] = ['needs', 'starts', 'receive-ends', 'events'];

const ACCEPTS = 'accepts-types';

export const STEPS: readonly Step[] = [
  { name: 'start and stop', run: checkStartAndStop },
  { name: 'refusals', run: checkRefusals },
  { name: 'each declared type', run: checkDeclaredTypes },
  { name: 'broken content', run: checkBrokenContent, after: [ACCEPTS] },
  { name: 'slow streams', run: checkSlowStreams, after: [ACCEPTS, 'refusals'] },
  { name: 'broken streams', run: checkBrokenStreams, after: [ACCEPTS] },
  { name: 'the same push twice', run: checkRepeatedPush, after: [ACCEPTS] },
  { name: 'a crash between receive and commit', run: checkExactlyOnce, after: [ACCEPTS, 'provisional'] },
  {
    name: 'several pushes at once',
    run: checkOrder,
    after: [ACCEPTS, 'repeats', 'exactly-once', 'provisional'],
  },
  { name: 'cancellation', run: checkCancellation, after: [ACCEPTS, 'stream-failures'] },
];
