/** How long an INVITE may wait for what the applications say of its files. */

import { SipPushError, TimeoutError, TransportError, UntrustedError } from '../../errors.js';
import type { MsrpMedia } from '../../sdp/index.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { parseDeltaSeconds } from '../../sip/values/parameters.js';
import { formatReason } from '../../sip/values/reason.js';
import { Timer } from '../../time/clock.js';
import { RequestRefused } from '../admission.js';
import type { IncomingMedia } from './incoming-media.js';
import type { MediaEndpoint } from './media-connector.js';

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
        : new RequestRefused('failed', `the files were not decided on within ${ANSWER_WITHIN / 1000} s`);
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

/** A session that this device has accepted, until the sender hangs up (TS 8.2.1.2) or is gone. */

export interface IncomingSessionOptions {
  /** Milliseconds without a byte after which the sender is taken for gone. */
  idle: number;
  onReinvite(transaction: ServerTransaction): void;
  onEnd(): void;
}

export class IncomingSession {
  /** Open lines by their place in the offer. */
  readonly #lines = new Map<number, IncomingMedia>();
  readonly #over = new AbortController();
  /** Contents that are here, on which an application decides. */
  #deciding = 0;
  readonly #idle = new Timer();

  constructor(
    readonly dialog: InviteSession,
    private readonly options: IncomingSessionOptions,
  ) {
    dialog.handlers = {
      onBye: () => this.#end(new TransportError('the sender ended the session')),
      onReinvite: (transaction) => options.onReinvite(transaction),
      onEnd: (error) => this.#end(error),
    };
    this.active();
  }

  /** Connects for a line that was accepted. */
  open(index: number, media: MsrpMedia, place: MediaEndpoint, line: IncomingMedia): void {
    this.#lines.set(index, line);
    const lost = (error: unknown) => this.#lost(index, line, error);
    place
      .connect(media, this.#over.signal, {
        onMessage: (head) => line.message(head),
        onClosed: (error) => lost(error ?? new TransportError('the sender closed the connection')),
      })
      .then((msrp) => line.connected(msrp), lost);
  }

  /** The sender closed a line (RFC 3264 8.2), done with it or not. */
  close(index: number): void {
    this.#lines.get(index)?.close(new TransportError('the sender closed the media line'));
    this.#lines.delete(index);
  }

  /** Something came. */
  active(): void {
    this.#idle.clear();
    if (this.#over.signal.aborted || this.#deciding > 0) return;
    const { idle } = this.options;
    this.#idle.set(idle, () => {
      void this.bye(new TimeoutError(`nothing came for ${idle / 1000} s`));
    });
  }

  /** An application decides, or has decided: the sender is not gone, it waits. */
  deciding(begun: boolean): void {
    this.#deciding += begun ? 1 : -1;
    this.active();
  }

  /** Hangs up. */
  async bye(why: Error, headers: readonly (readonly [name: string, value: string])[] = []): Promise<void> {
    this.#end(why);
    await this.dialog.bye(headers).catch(() => {});
  }

  /** A connection broke: without any left there is nothing to hold the session for. */
  #lost(index: number, line: IncomingMedia, error: unknown): void {
    line.close(error instanceof Error ? error : new TransportError(String(error)));
    if (this.#lines.get(index) === line) this.#lines.delete(index);
    if (this.#lines.size === 0 && !this.#over.signal.aborted) {
      const untrusted = error instanceof UntrustedError;
      // RFC 3326: another offer would come to the same end.
      const headers = untrusted
        ? [['Reason', formatReason({ cause: 500, text: error.message })] as const]
        : [];
      void this.bye(new TransportError('the connection of its last file was lost'), headers);
    }
  }

  #end(why: Error): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(why);
    this.#idle.clear();
    for (const line of this.#lines.values()) line.close(why);
    this.#lines.clear();
    this.options.onEnd();
  }
}
