/** One push by reference: its content is retrieved and delivered, with retries. */

import type { ExternalBody } from '../../content/external-body.js';
import type { DownloadResult } from '../../content/fetch/download.js';
import { FetchError, type FetchFailure } from '../../content/fetch/fetch-error.js';
import type { RefusalKind } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { busy, internalFailure, isRetryable, type Outcome, type Refusal } from '../contract/outcome.js';
import type { ReferenceRecord } from '../ledger/stored-entry.js';
import {
  BACKOFF_MAX,
  DEFAULT_REFERENCE_LIFETIME,
  MAX_REFERENCE_LIFETIME,
  RETRIEVAL_BACKOFF_BASE,
} from '../limits.js';

export interface RetrievalParts {
  clock: Clock;
  /** Aborted when the runtime stops. */
  signal: AbortSignal;
  /** One attempt to retrieve the content, when a slot is free. Rejects with FetchError or another error. */
  attempt(record: ReferenceRecord): Promise<DownloadResult>;
  /** Delivers the push to its application. */
  deliver(downloaded: DownloadResult): Promise<Outcome>;
}

export interface RetrievalEnd {
  outcome: Outcome;
  /** Absent when the content was not retrieved. */
  downloaded?: DownloadResult;
}

export class Retrieval {
  /** The sender has the answer that the push is accepted: an application that is busy is retried. */
  answered = false;
  #attempts = 0;
  #replaced = false;
  /** When the reference expires, in elapsed milliseconds: a change of the date does not change it. */
  #end: number;
  /** Ends the wait for the next attempt. */
  #wake = () => {};

  constructor(
    public record: ReferenceRecord,
    private readonly parts: RetrievalParts,
  ) {
    this.#end = endOf(record, parts.clock);
  }

  /**
   * The sender sends the push again: the earlier reference may have been withdrawn, even if the URL is the same. The next
   * attempt uses the new one, and starts now if no attempt is in progress.
   */
  replace(record: ReferenceRecord): void {
    this.record = record;
    this.#end = endOf(record, this.parts.clock);
    this.#replaced = true;
    this.#wake();
  }

  /** Ends when the push is accepted or permanently refused, the reference expires, or the runtime stops. Never rejects. */
  async run(): Promise<RetrievalEnd> {
    let downloaded: DownloadResult | undefined;
    for (;;) {
      this.#replaced = false;
      const refusal = await this.#try(downloaded, (content) => {
        downloaded = content;
      });
      const content = downloaded ? { downloaded } : {};
      if (refusal === undefined) return { outcome: { accepted: true, pushId: this.record.id }, ...content };
      if (this.#replaced && !downloaded) continue;
      if (!refusal.again || !(await this.#wait(refusal.retryAfter)))
        return { outcome: this.#refused(refusal), ...content };
    }
  }

  /** Undefined when the push is accepted. */
  async #try(
    known: DownloadResult | undefined,
    onDownloaded: (content: DownloadResult) => void,
  ): Promise<(Refusal & { again: boolean }) | undefined> {
    const { attempt, deliver, signal } = this.parts;
    try {
      const downloaded = known ?? (await attempt(this.record));
      onDownloaded(downloaded);
      const outcome = await deliver(downloaded);
      if (outcome.accepted) return undefined;
      return { ...outcome, again: this.answered && isRetryable(outcome.kind) };
    } catch (error) {
      if (signal.aborted) return { ...busy('the host is being stopped'), again: false };
      return { ...fetchRefusal(error), again: error instanceof FetchError && error.transient };
    }
  }

  /** False when the reference will be expired by then, or the runtime stops. */
  async #wait(retryAfter = 0): Promise<boolean> {
    const { clock, signal } = this.parts;
    const limits = { first: RETRIEVAL_BACKOFF_BASE, longest: BACKOFF_MAX };
    const milliseconds = retryDelay(limits, ++this.#attempts, retryAfter * 1000, clock.random());
    if (signal.aborted || clock.elapsed() + milliseconds > this.#end) return false;
    await new Promise<void>((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(milliseconds, end);
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
    });
    this.#wake = () => {};
    return !signal.aborted;
  }

  #refused({ kind, reason, retryAfter }: Refusal): Outcome {
    const { id } = this.record;
    return { accepted: false, pushId: id, kind, reason, retryAfter };
  }
}

/** When the retrieval ends, in elapsed milliseconds. */
function endOf({ reference, receivedAt }: ReferenceRecord, clock: Clock): number {
  const expiration = Math.min(
    reference.expiration ?? receivedAt + DEFAULT_REFERENCE_LIFETIME,
    receivedAt + MAX_REFERENCE_LIFETIME,
  );
  return clock.elapsed() + expiration - clock.now();
}

/** The refusal of a reference that is expired when it arrives. */
export function expiredRefusal(reference: ExternalBody, now: number): Refusal | undefined {
  if (reference.expiration === undefined || reference.expiration > now) return undefined;
  return {
    kind: 'forbidden',
    reason: `the reference expired: ${new Date(reference.expiration).toUTCString()}`,
  };
}

/**
 * Content that is missing, differs from the reference or may not be fetched fails in the same way the next time. Apart
 * from `type` and `size`, only `forbidden` ends a sender's attempts: the sender must push again with a valid reference.
 */
const KINDS: { readonly [Code in FetchFailure]?: RefusalKind } = {
  'too-large': 'size',
  'decoded-too-large': 'size',
  spool: 'resources',
};

function fetchRefusal(error: unknown): Refusal {
  if (!(error instanceof FetchError)) return internalFailure(reasonOf(error));
  const { code, retryAfter } = error;
  return {
    kind: KINDS[code] ?? 'forbidden',
    reason: reasonOf(error),
    retryAfter,
  };
}
