/** An MSRP session (RFC 4975 §5.4): messages in both directions between two URIs, over one connection. */

import { ConfigurationError, LimitError, TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { BoundSession, MsrpConnection } from '../connections/connection.js';
import { MsrpHeaders, type MsrpRequest, newMessageId, newTransactionId } from '../frames/frame.js';
import { type MsrpLimits, RELAYED_CHUNK } from '../frames/limits.js';
import { findSessionId, sessionIdOf } from '../frames/uri.js';
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
  /** Made by `localMsrpUri`: requests of the peer find the session by its session identifier. */
  localUri: string;
  /** The peer's `a=path`. A session that waits for its peer can set it later. */
  remotePath?: readonly string[];
  /** The path of this end as the peer uses it, our relays first; `localUri` alone when absent. */
  localPath?: readonly string[];
  /**
   * Called for each new message; absent: messages are refused (403). MsrpRefusedError answers the chunks with its status,
   * another error with 400.
   */
  onMessage?(message: IncomingHead): MessageSink;
  /** The peer sent its first request. */
  onBound?(): void;
  /** The connection ended, or the peer refused the session. Not called after `close`. */
  onClosed?(error?: Error): void;
}

export interface MsrpSession {
  readonly localUri: string;
  readonly closed: boolean;
  /** The peer's path; empty until it is set. */
  remotePath: readonly string[];
  /** The path of this end as the peer uses it, our relays first. */
  readonly localPath: readonly string[];
  /**
   * Sends a SEND without a body (RFC 4975 §5.4), for a session behind our relay after its remote path was set; other
   * active sessions do it themselves. A failure is ignored, because the peer can begin as well.
   */
  introduce(): void;
  /**
   * Sends a message, after the peer has connected. A response or REPORT that refuses it is a result, not an error.
   * @throws TransportError if the connection is lost or the session closed; TimeoutError if the peer does not connect,
   * answer or report in time; MalformedError if the content does not have its `size`; the reason of the signal; the error
   * of the content's stream.
   */
  send(message: OutgoingMessage): Promise<MessageResult>;
  /** Aborts messages in progress. The active end closes the connection with its last session. */
  close(): void;
}

/**
 * Answers to the binding SEND that end the session (RFC 4975 §10.7, §10.9). Other answers refuse only this request: peers
 * that expect content answer a SEND without a body with 403, 415 or 400, and gateways with 408.
 */
const REFUSAL_STATUS = new Set([481, 506]);

export class Session implements MsrpSession, BoundSession {
  readonly localUri: string;
  readonly id: string;
  remotePath: readonly string[];
  localPath: readonly string[];
  readonly #options: SessionOptions;
  readonly #limits: MsrpLimits;
  readonly #onEnd: () => void;
  readonly #incoming: IncomingMessages;
  /** By Message-ID, in sending order. */
  readonly #outgoing = new Map<string, OutgoingTransfer>();
  readonly #patience = new Timer();
  #connection: MsrpConnection | undefined;
  #heard = false;
  #closed = false;

  /** @param onEnd called when the session ends. */
  constructor(options: SessionOptions, limits: MsrpLimits, onEnd: () => void) {
    this.localUri = options.localUri;
    this.id = sessionIdOf(options.localUri);
    this.remotePath = options.remotePath ?? [];
    this.localPath = options.localPath ?? [options.localUri];
    this.#options = options;
    this.#limits = limits;
    this.#onEnd = onEnd;
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

  /** @param request the first request of the peer; absent: this end connected. */
  bind(connection: MsrpConnection, request?: MsrpRequest): void {
    this.#connection = connection;
    this.#patience.clear();
    if (request) this.#heard = true;
    // Behind our relay, the remote path may be unknown: the peer sends first.
    else if (this.remotePath.length > 0) this.introduce();
    // RFC 4975 §5.4: a peer that knows the session's URI may use it. Its From-Path is the remote path if the SDP answer is
    // late. Behind our relay it would contain that relay.
    if (request && this.remotePath.length === 0 && this.localPath.length === 1)
      this.remotePath = request.fromPath;
    this.#startNext();
    if (request) this.#options.onBound?.();
  }

  /** RFC 4975 §5.4: only requests of the peer in the SDP are accepted. */
  accepts(request: MsrpRequest): boolean {
    const peer = this.remotePath.at(-1);
    const from = request.fromPath.at(-1) ?? '';
    return peer === undefined || peer === from || findSessionId(peer) === findSessionId(from);
  }

  /** RFC 4975 §5.4: the active end binds the session at once, by a SEND without a body. */
  introduce(): void {
    const connection = this.#connection;
    if (!connection || this.#closed) return;
    const headers = new MsrpHeaders().set('Message-ID', newMessageId()).set('Byte-Range', '1-0/0');
    const transactionId = newTransactionId();
    const needed = this.localPath.length === 1;
    connection.request({ method: 'SEND', transactionId, ...this.#paths, headers }).then(
      ({ status, comment }) => {
        if (!needed || !REFUSAL_STATUS.has(status)) return;
        this.lost(new TransportError(`the peer refused the MSRP session: ${status} ${comment}`.trimEnd()));
      },
      (error: Error) => {
        // A peer that sends a message has the session, even if it does not answer a SEND without a body.
        if (needed && !this.#heard) this.lost(error);
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
    return this.#incoming.receive(request, connection.readControl);
  }

  report(request: MsrpRequest): void {
    this.#outgoing.get(request.headers.get('Message-ID') ?? '')?.onReport(request);
  }

  close(): void {
    this.#end(new TransportError('the MSRP session was closed'), true);
  }

  /** The connection ended, or the peer refused the session. */
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
    this.#onEnd();
  }

  get #paths(): { toPath: readonly string[]; fromPath: readonly string[] } {
    // RFC 4976 §5.1: through our own relays, the nearest first.
    const relays = this.localPath.slice(0, -1).reverse();
    return { toPath: [...relays, ...this.remotePath], fromPath: [this.localUri] };
  }

  /** Starts messages up to the limit of simultaneous ones. */
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
    let reported = false;
    const report = (wanted: boolean, code: number, comment = commentOf(code)) => {
      if (reported || !wanted || this.#closed) return;
      reported = true;
      const status = { code, comment: asComment(comment) };
      this.#connection?.sendReport(buildReport(request, this.localUri, size, status));
    };
    return {
      success: () => report(wantsSuccessReport(headers), 200),
      failure: (status, comment) => report(failureReportOf(headers) !== 'no', status, comment),
    };
  }
}

/** The sessions of a listener, a connector or a relay. */
export class Sessions {
  readonly #byId = new Map<string, Session>();
  readonly #byUri = new Map<string, Session>();

  constructor(private readonly limits: MsrpLimits) {}

  /**
   * @param onEnd called when the session ends.
   * @throws ConfigurationError if the URI has no session identifier or is in use; LimitError beyond the limit.
   */
  add(options: SessionOptions, onEnd: () => void = () => {}): Session {
    if (this.#byId.size >= this.limits.sessions) {
      throw new LimitError(`${this.limits.sessions} MSRP sessions, the limit, are open`);
    }
    const session = new Session(options, this.limits, () => {
      this.#byId.delete(session.id);
      this.#byUri.delete(session.localUri);
      onEnd();
    });
    if (this.#byId.has(session.id)) throw new ConfigurationError(`${options.localUri} is in use`);
    this.#byId.set(session.id, session);
    this.#byUri.set(session.localUri, session);
    return session;
  }

  /** By its own URI, as peers copy it from the SDP; a border gateway can change host and port, not the identifier. */
  find(uri: string): Session | undefined {
    return this.#byUri.get(uri) ?? this.#byId.get(findSessionId(uri) ?? '');
  }

  close(): void {
    for (const session of [...this.#byId.values()]) session.close();
  }
}
