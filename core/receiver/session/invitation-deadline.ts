/** How long an INVITE may wait for what the applications say of its files. */

import { SipPushError } from '../../errors.js';
import { parseDeltaSeconds } from '../../sip/delta-seconds.js';
import type { ServerTransaction } from '../../sip/transactions/server.js';
import { TurnedAway } from '../turned-away.js';

/** RFC 3261 13.3.1: its sender does not want an answer any more. */
export class Expired extends SipPushError {}

/** RFC 3261 13.3.1.1: past a minute, a proxy may take this end for gone. */
const ANSWER_WITHIN = 50_000;

export class InvitationDeadline {
  /** Rejects with what the INVITE is refused for. */
  readonly passed: Promise<never>;
  readonly #over = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(transaction: ServerTransaction) {
    const { signal } = this.#over;
    this.passed = new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    // It may pass while nobody waits for it.
    this.passed.catch(() => {});
    const expires = parseDeltaSeconds(transaction.request.headers.get('Expires'));
    const patience = Math.min(ANSWER_WITHIN, (expires ?? Number.POSITIVE_INFINITY) * 1000);
    const why =
      patience < ANSWER_WITHIN
        ? new Expired(`the INVITE expired after ${expires} s`)
        : new TurnedAway('failed', `the files were not decided on within ${ANSWER_WITHIN / 1000} s`);
    this.#timer = setTimeout(() => this.abort(why), patience);
    // The 487 is the transaction's.
    transaction.onCancel = () => this.abort(new SipPushError('the sender cancelled the INVITE'));
  }

  /** Aborted when it has passed, with the same. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  abort(why: Error): void {
    this.clear();
    this.#over.abort(why);
  }

  /** It is answered. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
