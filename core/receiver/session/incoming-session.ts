/** The deadline of an INVITE, and an accepted session until the sender ends it (TS 8.2.1.2) or is lost. */

import { SipPushError, TimeoutError, TransportError, UntrustedError } from '../../errors.js';
import type { MsrpMedia } from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { parseDeltaSeconds } from '../../sip/values/parameters.js';
import { formatReason } from '../../sip/values/reason.js';
import { Timer } from '../../time/clock.js';
import { RequestRefusedError } from '../admission.js';
import type { IncomingMedia } from './incoming-media.js';
import type { MediaEndpoint } from './media-connector.js';

/** The INVITE expired before its answer (RFC 3261 §13.3.1). */
export class ExpiredError extends SipPushError {
  static {
    ExpiredError.prototype.name = 'ExpiredError';
  }
}

/** RFC 3261 §13.3.1.1: after a minute without a response, a proxy may cancel the INVITE. */
const ANSWER_WITHIN = 50_000;

/** How long an INVITE waits for the decisions of the applications. */
export class InvitationDeadline {
  /** Rejects with the reason of the refusal. */
  readonly passed: Promise<never>;
  readonly #aborted = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(transaction: ServerTransaction) {
    const { signal } = this.#aborted;
    this.passed = new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    // The caller may not be waiting for it yet.
    this.passed.catch(() => {});
    const expires = parseDeltaSeconds(transaction.request.headers.get('Expires'));
    const milliseconds = Math.min(ANSWER_WITHIN, (expires ?? Number.POSITIVE_INFINITY) * 1000);
    const why =
      milliseconds < ANSWER_WITHIN
        ? new ExpiredError(`the INVITE expired after ${expires} s`)
        : new RequestRefusedError('failed', `no decision on the files within ${ANSWER_WITHIN / 1000} s`);
    this.#timer = setTimeout(() => this.abort(why), milliseconds);
    // The transaction sends the 487.
    transaction.onCancel = () => this.abort(new SipPushError('the sender cancelled the INVITE'));
  }

  /** Aborted with the same reason. */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  abort(why: Error): void {
    this.clear();
    this.#aborted.abort(why);
  }

  /** The INVITE is answered. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}

export interface IncomingSessionOptions {
  /** Milliseconds without a byte after which the sender counts as lost. */
  idle: number;
  onReinvite(transaction: ServerTransaction): void;
  /** The current description, for a refresh of the session. */
  describe: InviteSession['handlers']['describe'];
  /** The ACK of an INVITE or re-INVITE. */
  onAck(ack: SipRequest): void;
  onEnd(): void;
}

export class IncomingSession {
  /** Open lines by their index in the offer. */
  readonly #lines = new Map<number, IncomingMedia>();
  readonly #ended = new AbortController();
  /** Complete contents on which an application decides. */
  #deciding = 0;
  #activeAt = performance.now();
  readonly #idle = new Timer();

  constructor(
    readonly dialog: InviteSession,
    private readonly options: IncomingSessionOptions,
  ) {
    dialog.handlers = {
      onBye: () => this.#end(new TransportError('the sender ended the session')),
      onReinvite: (transaction) => options.onReinvite(transaction),
      describe: options.describe,
      onAck: (ack) => options.onAck(ack),
      onEnd: (error) => this.#end(error),
    };
    this.#watch(options.idle);
  }

  get ended(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Connects an accepted line. */
  open(index: number, media: MsrpMedia, endpoint: MediaEndpoint, line: IncomingMedia): void {
    this.#lines.set(index, line);
    const lost = (error: unknown) => this.#lost(index, line, error);
    endpoint
      .connect(media, this.#ended.signal, {
        onMessage: (head) => line.message(head),
        onClosed: (error) => lost(error ?? new TransportError('the sender closed the connection')),
      })
      .then((msrp) => line.connected(msrp), lost);
  }

  /** The sender closed a line (RFC 3264 §8.2), complete or not. */
  close(index: number): void {
    this.#lines.get(index)?.close(new TransportError('the sender closed the media line'));
    this.#lines.delete(index);
  }

  /** Bytes arrived. Called for every piece, so the timer is not set again: it checks the time when it fires. */
  active(): void {
    this.#activeAt = performance.now();
  }

  /** An application starts or ends its decision: the sender waits, and sends nothing. */
  deciding(begun: boolean): void {
    this.#deciding += begun ? 1 : -1;
    this.active();
  }

  /** Ends the session. */
  async bye(why: Error, headers: readonly (readonly [name: string, value: string])[] = []): Promise<void> {
    this.#end(why);
    await this.dialog.bye(headers).catch(() => {});
  }

  /** Ends the session when the sender was idle for too long. */
  #watch(milliseconds: number): void {
    this.#idle.set(milliseconds, () => {
      const { idle } = this.options;
      const left = this.#deciding > 0 ? idle : this.#activeAt + idle - performance.now();
      // A timer can fire a fraction of a millisecond early.
      if (left > 1) this.#watch(left);
      else void this.bye(new TimeoutError(`the sender sent nothing for ${idle / 1000} s`));
    });
  }

  /** Ends the session if the lost connection was the last one. */
  #lost(index: number, line: IncomingMedia, error: unknown): void {
    line.close(error instanceof Error ? error : new TransportError(String(error)));
    if (this.#lines.get(index) === line) this.#lines.delete(index);
    if (this.#lines.size > 0 || this.#ended.signal.aborted) return;
    // RFC 3326: with an untrusted certificate, another offer would fail as well.
    const headers =
      error instanceof UntrustedError
        ? [['Reason', formatReason({ cause: 500, text: error.message })] as const]
        : [];
    void this.bye(new TransportError('the connection of the last file was lost'), headers);
  }

  #end(why: Error): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(why);
    this.#idle.clear();
    for (const line of this.#lines.values()) line.close(why);
    this.#lines.clear();
    this.options.onEnd();
  }
}
