/** One MSRP connection and the sessions on it (RFC 4975 §5.4). */

import { TimeoutError, TransportError } from '../../errors.js';
import type { Channel } from '../../platform/sockets.js';
import { reasonOf } from '../../text.js';
import { Timer } from '../../time/clock.js';
import {
  type ContinuationFlag,
  endLine,
  type MsrpRequest,
  type MsrpResponse,
  requestHead,
  responseFrame,
} from '../frames/frame.js';
import type { MsrpLimits } from '../frames/limits.js';
import { MsrpParser } from '../frames/parser.js';
import type { BodyHandler } from '../messages/incoming-message.js';
import { asComment, commentOf, isSuccess, wantsAnswer } from '../messages/status.js';
import { ReadControl, SendQueue } from './flow-control.js';
import type { RequestLink } from './in-flight.js';

/** The interface of a session to its connection. */
export interface BoundSession {
  readonly connection: MsrpConnection | undefined;
  /** The peer has sent a request. */
  readonly heard: boolean;
  /** Called for the first request of the peer. */
  bind(connection: MsrpConnection, request: MsrpRequest): void;
  /** Whether the peer of this session sent the request. */
  accepts(request: MsrpRequest): boolean;
  /** A SEND begins. */
  receive(request: MsrpRequest, connection: MsrpConnection): BodyHandler;
  report(request: MsrpRequest): void;
  /** The connection ended; `error` if the peer did not close it. */
  lost(error: Error | undefined): void;
}

export interface ConnectionOptions {
  limits: MsrpLimits;
  /** Finds a session by the URI in the To-Path of a request. */
  find(uri: string): BoundSession | undefined;
  /** How long the connection stays open without a session, in milliseconds; 0: it closes with its last session. */
  linger: number;
  onClosed(connection: MsrpConnection): void;
}

const SKIPPING: BodyHandler = { onBody() {}, onEnd() {} };

export class MsrpConnection implements RequestLink {
  readonly readControl: ReadControl;
  readonly sendQueue: SendQueue;
  readonly #channel: Channel;
  readonly #options: ConnectionOptions;
  readonly #parser: MsrpParser;
  readonly #sessions = new Set<BoundSession>();
  readonly #responses = new Map<string, (response: MsrpResponse) => void>();
  /** Rejects the pending calls of `request`. */
  readonly #waiting = new Set<(error: unknown) => void>();
  readonly #unused = new Timer();
  /** Receives the body of the current request. */
  #body = SKIPPING;
  #closed = false;

  /** Takes over the events of the channel. */
  constructor(channel: Channel, options: ConnectionOptions) {
    const { limits } = options;
    this.#channel = channel;
    this.#options = options;
    this.readControl = new ReadControl(channel, limits.unresolvedBytes);
    this.sendQueue = new SendQueue(channel, limits.transactionTimeout, (error) => this.#fail(error));
    this.#parser = new MsrpParser(
      {
        onRequest: (request) => {
          this.#body = this.#route(request);
        },
        onResponse: (response) => this.#onResponse(response),
        onBody: (bytes) => this.#body.onBody(bytes),
        onEnd: (flag) => this.#body.onEnd(flag),
      },
      limits,
    );
    channel.ondata = (bytes) => this.#receive(bytes);
    channel.ondrain = () => this.#drained();
    channel.onclose = (error) => this.#ended(error);
    this.#linger();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Adds a session. */
  adopt(session: BoundSession): void {
    this.#unused.clear();
    this.#sessions.add(session);
  }

  release(session: BoundSession): void {
    this.#sessions.delete(session);
    this.leaveIfUnused();
  }

  /** Closes the connection if it has no session, after `linger`. */
  leaveIfUnused(): void {
    if (this.#closed || this.#sessions.size > 0) return;
    if (this.#options.linger === 0) this.close();
    else this.#linger();
  }

  /** Sends pending bytes, then closes. Does not notify its sessions. */
  close(): void {
    if (this.#closed) return;
    this.#stop();
    this.#channel.close();
  }

  /** Answers a request (RFC 4975 §7.2), unless its sender wants no answer. */
  respond(request: MsrpRequest, status: number, comment = commentOf(status)): void {
    const { method, transactionId, toPath, fromPath, headers } = request;
    const [to] = fromPath;
    const [from] = toPath;
    if (to === undefined || from === undefined) return;
    if (method === 'SEND' && !wantsAnswer(headers, isSuccess(status))) return;
    this.#send(
      responseFrame({
        ...{ transactionId, status, comment: asComment(comment), fromPath: [from] },
        // A SEND is answered to the previous hop, other requests along the whole path.
        toPath: method === 'SEND' ? [to] : fromPath,
      }),
    );
    this.readControl.sent();
  }

  /** A REPORT has no response (RFC 4975 §7.1.2). */
  sendReport(report: MsrpRequest): void {
    this.sendRequest(report, '$');
    this.readControl.sent();
  }

  sendRequest(request: MsrpRequest, flag: ContinuationFlag, body?: readonly Uint8Array[]): void {
    const hasBody = body !== undefined;
    const head = requestHead(request, hasBody);
    this.#send(head, ...(body ?? []), endLine(request.transactionId, flag, hasBody));
  }

  expectResponse(transactionId: string, onResponse: (response: MsrpResponse) => void): void {
    this.#responses.set(transactionId, onResponse);
  }

  forgetResponse(transactionId: string): void {
    this.#responses.delete(transactionId);
  }

  /**
   * Sends a request without a body.
   * @throws TimeoutError without an answer in time, TransportError if the connection ends, MalformedError.
   */
  request(request: MsrpRequest): Promise<MsrpResponse> {
    const { transactionId } = request;
    const { transactionTimeout } = this.#options.limits;
    if (this.#closed) return Promise.reject(new TransportError('the MSRP connection is closed'));
    return new Promise((resolve, reject) => {
      const deadline = new Timer();
      const end = () => {
        deadline.clear();
        this.forgetResponse(transactionId);
        this.#waiting.delete(fail);
      };
      const fail = (error: unknown) => {
        end();
        reject(error);
      };
      this.#waiting.add(fail);
      this.expectResponse(transactionId, (response) => {
        end();
        resolve(response);
      });
      deadline.set(transactionTimeout, () =>
        fail(
          new TimeoutError(`the peer did not answer ${request.method} within ${transactionTimeout / 1000} s`),
        ),
      );
      try {
        this.sendRequest(request, '$');
      } catch (error) {
        fail(error);
      }
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.readControl.begin(bytes.length);
    try {
      this.#parser.push(bytes);
      this.#channel.unfinished(this.#parser.held);
    } catch (error) {
      this.#fail(error);
    }
  }

  #route(request: MsrpRequest): BodyHandler {
    // A previous request in the same piece closed it.
    if (this.#closed) return SKIPPING;
    const { method, malformed, toPath } = request;
    const [uri = ''] = toPath;
    // This end is not a relay: a longer path leads to another peer.
    const session = toPath.length === 1 ? this.#options.find(uri) : undefined;
    if (method === 'REPORT') {
      if (malformed === undefined && session?.connection === this) session.report(request);
      return SKIPPING;
    }
    if (malformed !== undefined) return this.#refuse(request, 400, malformed);
    if (method !== 'SEND') return this.#refuse(request, 501);
    if (!session) return this.#refuse(request, 481);
    if (session.connection && session.connection !== this) return this.#refuse(request, 506);
    if (!session.accepts(request)) return this.#refuse(request, 481);
    if (!session.connection) this.adopt(session);
    if (!session.heard) session.bind(this, request);
    // `bind` can close the session.
    return this.#sessions.has(session) ? session.receive(request, this) : this.#refuse(request, 481);
  }

  #refuse(request: MsrpRequest, status: number, comment?: string): BodyHandler {
    this.respond(request, status, comment);
    return SKIPPING;
  }

  #onResponse(response: MsrpResponse): void {
    const { transactionId } = response;
    const onResponse = this.#responses.get(transactionId);
    this.#responses.delete(transactionId);
    onResponse?.(response);
  }

  #send(...parts: Uint8Array[]): void {
    if (this.#closed) return;
    try {
      this.#channel.send(...parts);
    } catch (error) {
      // The channel will report that it ended.
      if (!(error instanceof TransportError)) throw error;
    }
    this.sendQueue.watch();
  }

  #drained(): void {
    if (this.#closed) return;
    this.readControl.drained();
    this.sendQueue.drained();
  }

  /** RFC 4975 §5.4 lets a passive end wait for the first request, which must arrive in time. */
  #linger(): void {
    const { linger } = this.#options;
    if (linger > 0) this.#unused.set(linger, () => this.close());
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#channel.destroy();
    this.#ended(error);
  }

  #ended(error: unknown): void {
    this.#stop();
    const lost = error === undefined ? undefined : asTransportError(error);
    for (const fail of [...this.#waiting])
      fail(lost ?? new TransportError('the peer closed the MSRP connection'));
    for (const session of [...this.#sessions]) session.lost(lost);
    this.#options.onClosed(this);
  }

  #stop(): void {
    this.#closed = true;
    this.#unused.clear();
    this.sendQueue.close();
    this.#responses.clear();
  }
}

function asTransportError(error: unknown): Error {
  if (error instanceof TransportError || error instanceof TimeoutError) return error;
  const why = reasonOf(error);
  return new TransportError(`the MSRP connection was lost: ${why}`, { cause: error });
}
