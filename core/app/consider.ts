/** An application asked about a file that is offered, ahead of delivery. */

import type { Application } from './application.js';
import type { Clock } from './clock.js';
import type { PushOffer } from './contract.js';
import { invoke, within } from './deadline.js';
import { CONSIDER_WITHIN } from './limits.js';
import { type Refusal, reasonOf, refusalOf } from './outcome.js';

/** Undefined: it takes it. Never rejects. */
export async function considerOffer(
  app: Application,
  offer: PushOffer,
  clock: Clock,
): Promise<Refusal | undefined> {
  try {
    const answer = invoke(() => app.instance.consider?.(Object.freeze({ ...offer })));
    await within(clock, CONSIDER_WITHIN, 'consider()', answer);
    return undefined;
  } catch (error) {
    return refusalOf(error) ?? { kind: 'failed', reason: `${app.eventAppId}: ${reasonOf(error)}` };
  }
}
