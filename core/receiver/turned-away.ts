/** A request that is refused before any application sees it. */

import type { RefusalKind } from '../errors.js';

export interface TurnedAwayDetails {
  /** Seconds, where it is for now. */
  retryAfter?: number;
  /** Bytes that would be taken. */
  maxSize?: number;
}

export class TurnedAway extends Error {
  readonly retryAfter: number | undefined;
  readonly maxSize: number | undefined;

  constructor(
    readonly kind: RefusalKind,
    reason: string,
    { retryAfter, maxSize }: TurnedAwayDetails = {},
  ) {
    super(reason);
    this.retryAfter = retryAfter;
    this.maxSize = maxSize;
  }
}
