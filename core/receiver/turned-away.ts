/** A request that is refused before any application sees it. */

import { PushRefused, type RefusalKind } from '../errors.js';

export class TurnedAway extends PushRefused {
  /** Bytes that would be taken. */
  readonly maxSize: number | undefined;

  /** @param details `retryAfter`: seconds, where it is for now. */
  constructor(
    kind: RefusalKind,
    reason: string,
    { retryAfter, maxSize }: { retryAfter?: number; maxSize?: number } = {},
  ) {
    super(kind, reason, retryAfter === undefined ? {} : { retryAfter });
    this.maxSize = maxSize;
  }
}
