/** What it means for a transfer that something went wrong. */

import { LimitError, PushRefused } from '../errors.js';
import { InboxFull } from './inbox.js';
import { type Refusal, reasonOf, refusalOf, resources } from './outcome.js';
import { StoreError } from './records.js';

/** A store or a disk that does not write is not the sender's fault, nor the application's. */
export function refusalFor(error: unknown): Refusal {
  const known = refusalOf(error);
  if (known) return known;
  const reason = reasonOf(error);
  if (error instanceof StoreError || error instanceof InboxFull) return resources(reason);
  return { kind: error instanceof LimitError ? 'size' : 'failed', reason };
}

export function asRefused(error: unknown): PushRefused {
  if (error instanceof PushRefused) return error;
  const { kind, reason, retryAfter } = refusalFor(error);
  return new PushRefused(kind, reason, { cause: error, ...(retryAfter === undefined ? {} : { retryAfter }) });
}
