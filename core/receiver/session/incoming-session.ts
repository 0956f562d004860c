/** A session that this device has accepted, until the sender hangs up (TS 8.2.1.2) or is gone. */

import { TimeoutError, TransportError, UntrustedError } from '../../errors.js';
import type { MsrpMedia } from '../../sdp/index.js';
import type { InviteSession } from '../../sip/invite-session.js';
import { formatReason } from '../../sip/reason.js';
import type { ServerTransaction } from '../../sip/transactions/server.js';
import { Alarm } from '../../time/alarm.js';
import type { IncomingMedia } from './incoming-media.js';
import type { MediaPlace } from './media-connector.js';

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
  readonly #idle = new Alarm();

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
  open(index: number, media: MsrpMedia, place: MediaPlace, line: IncomingMedia): void {
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
