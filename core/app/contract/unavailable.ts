/** An application that cannot be given anything for now: its worker has ended, and is about to be started again. */

import { PushRefused } from '../../errors.js';
import type { PushAppInstance } from './push-app.js';

/** Thrown by hooks that the application never saw called: no attempt of its own. */
export class AppUnavailable extends PushRefused {
  /** @param seconds after which it may be back. */
  constructor(eventAppId: string, reason: string, seconds: number) {
    super('busy', `${eventAppId} is being started again: ${reason}`, { retryAfter: seconds });
  }
}

/** Of an instance: why it is away, if it is. */
export const UNAVAILABLE = Symbol('away');

export interface MaybeUnavailable extends PushAppInstance {
  readonly [UNAVAILABLE]: AppUnavailable | undefined;
}

export function unavailableOf(
  instance: PushAppInstance | Partial<MaybeUnavailable>,
): AppUnavailable | undefined {
  return UNAVAILABLE in instance ? instance[UNAVAILABLE] : undefined;
}
