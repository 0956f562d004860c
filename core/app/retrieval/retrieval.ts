/** One push whose content is elsewhere: retrieved, and handed over, as often as it takes. */

import type { ExternalBody } from '../../content/external-body.js';
import type { Downloaded } from '../../content/fetch/download.js';
import { FetchError, type FetchFailure } from '../../content/fetch/fetch-error.js';
import type { RefusalKind } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { busy, isRetryable, type Outcome, type Refusal } from '../contract/outcome.js';
import type { ReferenceRecord } from '../ledger/entry.js';
import { BACKOFF_MAX, REFERENCE_AT_MOST, REFERENCE_FOR, RETRIEVE_AGAIN_AFTER } from '../limits.js';

export interface RetrievalParts {
  record: ReferenceRecord;
  clock: Clock;
  /** Aborted when the runtime stops. */
  signal: AbortSignal;
  /** One attempt, in its turn. Rejects with FetchError, among others. */
  attempt(): Promise<Downloaded>;
  /** Gives it to its application. */
  handOver(downloaded: Downloaded): Promise<Outcome>;
}

export interface RetrievalEnd {
  outcome: Outcome;
  /** Absent when the content could not be had. */
  downloaded?: Downloaded;
}

export class Retrieval {
  /** The sender was told that it is taken: an application that is busy is asked again. */
  answered = false;
  #attempts = 0;

  constructor(private readonly parts: RetrievalParts) {}

  /** Never rejects. Ends when the push has been taken or refused for good, the reference expires, or all is stopped. */
  async run(): Promise<RetrievalEnd> {
    let downloaded: Downloaded | undefined;
    for (;;) {
      const refusal = await this.#try(downloaded, (content) => {
        downloaded = content;
      });
      const content = downloaded ? { downloaded } : {};
      if (refusal === undefined)
        return { outcome: { accepted: true, pushId: this.parts.record.id }, ...content };
      if (!refusal.again || !(await this.#wait(refusal.retryAfter)))
        return { outcome: this.#refused(refusal), ...content };
    }
  }

  /** Undefined when it is taken. */
  async #try(
    known: Downloaded | undefined,
    onDownloaded: (content: Downloaded) => void,
  ): Promise<(Refusal & { again: boolean }) | undefined> {
    const { attempt, handOver, signal } = this.parts;
    try {
      const downloaded = known ?? (await attempt());
      onDownloaded(downloaded);
      const outcome = await handOver(downloaded);
      if (outcome.accepted) return undefined;
      return { ...outcome, again: this.answered && isRetryable(outcome.kind) };
    } catch (error) {
      if (signal.aborted) return { ...busy('the host is being stopped'), again: false };
      return { ...fetchRefusal(error), again: error instanceof FetchError && error.transient };
    }
  }

  /** False when the reference will have expired by then. */
  async #wait(retryAfter = 0): Promise<boolean> {
    const { clock, record, signal } = this.parts;
    const limits = { first: RETRIEVE_AGAIN_AFTER, longest: BACKOFF_MAX };
    const milliseconds = retryDelay(limits, ++this.#attempts, retryAfter * 1000, clock.random());
    if (signal.aborted || clock.now() + milliseconds > expiry(record)) return false;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(milliseconds, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = () => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
    return !signal.aborted;
  }

  #refused({ kind, reason, retryAfter }: Refusal): Outcome {
    const { id } = this.parts.record;
    return { accepted: false, pushId: id, kind, reason, retryAfter };
  }
}

/** Milliseconds since 1970 after which nobody tries any more. */
export function expiry({ reference, receivedAt }: Pick<ReferenceRecord, 'reference' | 'receivedAt'>): number {
  return Math.min(reference.expiration ?? receivedAt + REFERENCE_FOR, receivedAt + REFERENCE_AT_MOST);
}

/** Whether it is for nothing to try: a reason to refuse a reference unseen. */
export function expiredRefusal(reference: ExternalBody, now: number): Refusal | undefined {
  if (reference.expiration === undefined || reference.expiration > now) return undefined;
  return {
    kind: 'forbidden',
    reason: `expired: the reference was good until ${new Date(reference.expiration).toUTCString()}`,
  };
}

/**
 * What is not there, is not what the reference says, or may not be asked for, will be so the next time: the only
 * refusal that ends a sender's attempts, beside those of type and size, is `forbidden`. The sender must push again
 * with a reference that is good.
 */
const KINDS: { readonly [Code in FetchFailure]?: RefusalKind } = {
  'too-large': 'size',
  unfolds: 'size',
  spool: 'resources',
};

function fetchRefusal(error: unknown): Refusal {
  if (!(error instanceof FetchError)) return { kind: 'failed', reason: reasonOf(error) };
  const { code, retryAfter } = error;
  return {
    kind: KINDS[code] ?? 'forbidden',
    reason: reasonOf(error),
    retryAfter,
  };
}
