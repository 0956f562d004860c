/** An MSRP session (RFC 4975 5.4): messages both ways between two URIs, over the connection that it is bound to. */

import { TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { BoundSession, MsrpConnection } from '../connections/connection.js';
import { MsrpHeaders, type MsrpRequest } from '../frames/frame.js';
import { type MsrpLimits, RELAYED_CHUNK } from '../frames/limits.js';
import { findSessionId, sessionIdOf } from '../frames/uri.js';
import { newMessageId, newTransactionId } from '../frames/writer.js';
import type { BodyHandler } from './incoming-message.js';
import { IncomingMessages } from './incoming-messages.js';
import type {
  IncomingHead,
  MessageReporter,
  MessageResult,
  MessageSink,
  OutgoingMessage,
} from './message.js';
import { OutgoingTransfer } from './outgoing-transfer.js';
import { asComment, buildReport, commentOf, failureReportOf, wantsSuccessReport } from './status.js';

export interface SessionOptions {
  /** Made by `localMsrpUri`: its session identifier is the key by which the peer's requests find the session. */
  localUri: string;
  /** The peer's `a=path`; may be set later on a session that waits for its peer. */
  remotePath?: readonly string[];
  /** Ours as the peer has it, our relays first; absent: `localUri` alone. */
  localPath?: readonly string[];
  /**
   * Asked for each message that begins; absent: none is taken (403). Throwing MsrpRefused answers its chunks with
   * that status, anything else with 400.
   */
  onMessage?(message: IncomingHead): MessageSink;
  /** The first request of the peer: it has connected, or come through a relay. */
  onBound?(): void;
  /** The connection ended, or the peer does not know the session. Not called after our own `close`. */
  onClosed?(error?: Error): void;
}

export interface MsrpSession {
  readonly localUri: string;
  readonly closed: boolean;
  /** The peer's path; empty as long as nobody has set it. */
  remotePath: readonly string[];
  /** Ours as the peer has it, our relays first. */
  readonly localPath: readonly string[];
  /**
   * Says that we are there, by a SEND without a body (RFC 4975 5.4). For a session behind a relay of ours whose
   * remote path was set later than it was made; others of the active end do it by themselves. There, it may be in
   * vain: a peer that our relay does not reach may come by itself.
   */
  introduce(): void;
  /**
   * Sends a message; waits for the peer to connect, where it did not yet. A response or REPORT that refuses it is
   * a result, no error.
   * @throws TransportError when the connection is lost or the session closed; TimeoutError when the peer does not
   * connect, answer or report in time; MalformedError when the content is not as long as its `size`; the reason of
   * the signal; what the content's stream failed with.
   */
  send(message: OutgoingMessage): Promise<MessageResult>;
  /** Gives up what is under way. The connection goes with the last session of its active end. */
  close(): void;
}

/** To the SEND that binds a session: the peer does not have it, or not for us. Any other answer is from the peer. */
const REFUSING = new Set([403, 408, 481, 506]);

export class Session implements MsrpSession, BoundSession {
  readonly localUri: string;
  readonly id: string;
  remotePath: readonly string[];
  localPath: readonly string[];
  readonly #options: SessionOptions;
  readonly #limits: MsrpLimits;
  readonly #onOver: () => void;
  readonly #incoming: IncomingMessages;
  /** By Message-ID, in the order of `send`. */
  readonly #outgoing = new Map<string, OutgoingTransfer>();
  readonly #patience = new Timer();
  #connection: MsrpConnection | undefined;
  #heard = false;
  #closed = false;

  /** @param onOver the session was closed, by whomever. */
  constructor(options: SessionOptions, limits: MsrpLimits, onOver: () => void) {
    this.localUri = options.localUri;
    this.id = sessionIdOf(options.localUri);
    this.remotePath = options.remotePath ?? [];
    this.localPath = options.localPath ?? [options.localUri];
    this.#options = options;
    this.#limits = limits;
    this.#onOver = onOver;
    this.#incoming = new IncomingMessages({
      limits,
      onMessage: options.onMessage,
      respond: (request, status, comment) => this.#connection?.respond(request, status, comment),
      reporter: (request, size) => this.#reporter(request, size),
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  get connection(): MsrpConnection | undefined {
    return this.#connection;
  }

  get heard(): boolean {
    return this.#heard;
  }

  /** @param request of the peer, that found its way here; absent: we have connected. */
  bind(connection: MsrpConnection, request?: MsrpRequest): void {
    this.#connection = connection;
    this.#patience.clear();
    if (request) this.#heard = true;
    // Behind a relay of ours, it may be the peer who sends first.
    else if (this.remotePath.length > 0) this.introduce();
    // RFC 4975 5.4: whoever knows the session's URI may use it. Its path is of use where the SDP is late; with a relay
    // of ours, it has that relay in it.
    if (request && this.remotePath.length === 0 && this.localPath.length === 1)
      this.remotePath = request.fromPath;
    this.#startNext();
    if (request) this.#options.onBound?.();
  }

  /** RFC 4975 5.4: requests are from the peer that the SDP named. */
  accepts(request: MsrpRequest): boolean {
    const peer = this.remotePath.at(-1);
    const from = request.fromPath.at(-1) ?? '';
    return peer === undefined || peer === from || findSessionId(peer) === findSessionId(from);
  }

  /** RFC 4975 5.4: the active end says at once which session it comes for, by a SEND without a body. */
  introduce(): void {
    const connection = this.#connection;
    if (!connection || this.#closed) return;
    const headers = new MsrpHeaders().set('Message-ID', newMessageId()).set('Byte-Range', '1-0/0');
    const transactionId = newTransactionId();
    const needed = this.localPath.length === 1;
    connection.request({ method: 'SEND', transactionId, ...this.#paths, headers }).then(
      ({ status, comment }) => {
        if (!needed || !REFUSING.has(status)) return;
        this.lost(new TransportError(`the peer refused the MSRP session: ${status} ${comment}`.trimEnd()));
      },
      (error: Error) => {
        if (needed) this.lost(error);
      },
    );
  }

  send(message: OutgoingMessage): Promise<MessageResult> {
    if (this.#closed) return Promise.reject(new TransportError('the MSRP session is closed'));
    if (message.signal?.aborted) return Promise.reject(message.signal.reason);
    const transfer = new OutgoingTransfer(message, this.#limits, () => {
      this.#outgoing.delete(transfer.messageId);
      this.#startNext();
    });
    this.#outgoing.set(transfer.messageId, transfer);
    if (this.#connection) this.#startNext();
    else if (!this.#patience.running) this.#awaitPeer();
    return transfer.result;
  }

  receive(request: MsrpRequest, connection: MsrpConnection): BodyHandler {
    return this.#incoming.receive(request, connection.intake);
  }

  report(request: MsrpRequest): void {
    this.#outgoing.get(request.headers.get('Message-ID') ?? '')?.onReport(request);
  }

  close(): void {
    this.#end(new TransportError('the MSRP session was closed'), true);
  }

  /** The connection is gone, or is of no use to this session. */
  lost(error: Error | undefined): void {
    if (this.#closed) return;
    this.#end(error ?? new TransportError('the peer closed the MSRP connection'), false);
    this.#options.onClosed?.(error);
  }

  #end(error: Error, connected: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#patience.clear();
    for (const transfer of [...this.#outgoing.values()]) transfer.fail(error, connected);
    this.#incoming.abort(error, connected);
    this.#connection?.release(this);
    this.#onOver();
  }

  get #paths(): { toPath: readonly string[]; fromPath: readonly string[] } {
    // RFC 4976 5.1: out through our own relays, the nearest first.
    const relays = this.localPath.slice(0, -1).reverse();
    return { toPath: [...relays, ...this.remotePath], fromPath: [this.localUri] };
  }

  /** Messages of a session share its line: those beyond the limit wait for one to end. */
  #startNext(): void {
    const link = this.#connection;
    if (!link || this.#closed) return;
    const relayed = this.localPath.length > 1 || this.remotePath.length > 1;
    const { chunkBytes, messages } = this.#limits;
    const chunkSize = relayed ? Math.min(chunkBytes, RELAYED_CHUNK) : chunkBytes;
    let left = messages;
    for (const transfer of this.#outgoing.values()) {
      if (left-- === 0) return;
      if (transfer.started) continue;
      transfer.start({ link, ...this.#paths, chunkSize });
    }
  }

  #awaitPeer(): void {
    const { unboundTimeout } = this.#limits;
    this.#patience.set(unboundTimeout, () => {
      const error = new TimeoutError(`the peer did not connect within ${unboundTimeout / 1000} s`);
      for (const transfer of [...this.#outgoing.values()]) transfer.fail(error);
    });
  }

  #reporter(request: MsrpRequest, size: number | undefined): MessageReporter {
    const { headers } = request;
    let told = false;
    const tell = (wanted: boolean, code: number, comment = commentOf(code)) => {
      if (told || !wanted || this.#closed) return;
      told = true;
      const status = { code, comment: asComment(comment) };
      this.#connection?.sendReport(buildReport(request, this.localUri, size, status));
    };
    return {
      success: () => tell(wantsSuccessReport(headers), 200),
      failure: (status, comment) => tell(failureReportOf(headers) !== 'no', status, comment),
    };
  }
}
