/** A request that is refused before any application sees it. */

import type { RefusalKind } from '../errors.js';

export class TurnedAway extends Error {
  constructor(
    readonly kind: RefusalKind,
    reason: string,
    /** Seconds, where it is for now. */
    readonly retryAfter?: number,
  ) {
    super(reason);
  }
}
