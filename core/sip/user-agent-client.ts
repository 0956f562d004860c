/** The client of a user agent (RFC 3261 §8.1): composes requests, sends them, and answers challenges. */

import { platform } from '#platform';
import { ConfigurationError, LimitError, SipPushError, TimeoutError } from '../errors.js';
import { type AccountCredentials, Authorization } from './authentication/authorization.js';
import { NO_BODY, SipHeaders, type SipRequest, type SipResponse } from './message/message.js';
import { writeMessage } from './message/writer.js';
import { Redirection } from './redirection.js';
import { followRouteSet, isToSecure } from './session/dialog.js';
import { Invitation, type InvitationHandlers } from './session/invitation.js';
import type { ClientHandlers, ClientTransaction } from './transactions/client-machine.js';
import { withVia } from './transactions/client-transactions.js';
import type { TransactionLayer } from './transactions/layer.js';
import type { SipFlow } from './transport/flow.js';
import { isSecureTransport } from './transport/transport-uri.js';
import { parseDeltaSeconds } from './values/parameters.js';
import { isGruu } from './values/uri.js';

export interface OutgoingRequest {
  method: string;
  /** Request-URI. */
  uri: string;
  /** URI of To. Default: the Request-URI. */
  to?: string;
  /** Default: a random one. */
  callId?: string;
  headers?: readonly (readonly [name: string, value: string])[];
  body?: Uint8Array;
}

export interface RequestOptions {
  signal?: AbortSignal;
  /** Largest request in bytes, before challenges are answered. */
  maxSize?: number;
}

export interface UserAgentClientOptions {
  /** Our own URI, `sip:bob@domain.test`. It is registered, and so are those of the implicit registration set. */
  identity: string;
  credentials?: AccountCredentials;
  /** Value of User-Agent. */
  product: string;
  /** Where an agent that does not register receives requests, `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  /** Value of P-Access-Network-Info (RFC 7315 §4.4), for a core that is trusted with our location. */
  accessNetworkInfo?: string;
}

/** The parts of its agent that the client needs. */
export interface ClientDependencies {
  readonly layer: TransactionLayer;
  /** Undefined while disconnected. */
  flow(): SipFlow | undefined;
  /**
   * Waits for a connection.
   * @param sizeOf size of the request in bytes.
   * @param nextHop URI of the next hop; the server if absent.
   * @throws TransportError, LimitError, the reason of the signal.
   */
  flowFor(method: string, sizeOf: () => number, signal?: AbortSignal, nextHop?: string): Promise<SipFlow>;
  /**
   * A request had no response.
   * @param since when it was sent, by `performance.now`.
   */
  requestTimedOut(flow: SipFlow, since: number, error: Error): void;
  /**
   * The server of the flow answered 503.
   * @param retryAfter seconds.
   * @returns whether the agent connects to another server, to which the request can be sent.
   */
  overloaded(flow: SipFlow, retryAfter: number): boolean;
  /**
   * Waits for the registration, if the agent registers: the core refuses requests of unregistered users, and the answer
   * has the Service-Route.
   * @throws TransportError, the reason of the signal.
   */
  registered(signal?: AbortSignal): Promise<void>;
  /** Our current Contact in a request: `<sip:…>` with feature parameters. */
  contact(request: SipRequest, features?: readonly string[]): string;
  /** Route of requests, except those to the registrar: the outbound proxy, and the Service-Route (RFC 3608). */
  route(): readonly string[];
  /** Our own URI in requests, except those to the registrar. */
  identity(): string;
}

/** Size of the Via that the transaction layer adds, bytes. */
const VIA_BYTES = 130;

export class UserAgentClient {
  readonly #authorization: Authorization;
  /** Responses 503 to requests that can be sent to another server. */
  readonly #overloaded = new WeakSet<SipResponse>();

  constructor(
    private readonly options: UserAgentClientOptions,
    private readonly dependencies: ClientDependencies,
  ) {
    this.#authorization = new Authorization(options.credentials, () =>
      isSecureTransport(dependencies.flow()?.transport ?? 'UDP'),
    );
  }

  /** Waits until requests outside of dialogs can be composed. @throws TransportError, the reason of the signal. */
  async ready(signal?: AbortSignal): Promise<void> {
    await this.dependencies.registered(signal);
  }

  /** Composes a request outside of dialogs; a dialog composes its own. */
  compose(outgoing: OutgoingRequest, cseq: number, tag = platform.randomHex(8)): SipRequest {
    const { method, uri, to = uri, callId = platform.randomHex(16), headers = [], body = NO_BODY } = outgoing;
    const { product } = this.options;
    const identity = method === 'REGISTER' ? this.options.identity : this.dependencies.identity();
    const request: SipRequest = {
      method,
      uri,
      headers: new SipHeaders()
        .set('Max-Forwards', '70')
        .set('From', `<${identity}>;tag=${tag}`)
        .set('To', `<${to}>`)
        .set('Call-ID', callId)
        .set('CSeq', `${cseq} ${method}`)
        .set('User-Agent', product),
      body,
    };
    this.#addAccessNetwork(request);
    // RFC 3608 §6.2: a preloaded route of every request, except those to the registrar.
    if (method !== 'REGISTER') followRouteSet(request, this.dependencies.route());
    for (const [name, value] of headers) request.headers.append(name, value);
    return request;
  }

  /**
   * Composes and sends a request, and returns its final response.
   * @throws TimeoutError without a final response (Timer F), TransportError, LimitError if it is too large.
   */
  async request(outgoing: OutgoingRequest, { signal, maxSize }: RequestOptions = {}): Promise<SipResponse> {
    await this.dependencies.registered(signal);
    const { uri, to = uri, callId = platform.randomHex(16) } = outgoing;
    const tag = platform.randomHex(8);
    let cseq = 0;
    return await this.followed(
      uri,
      async (target) => {
        const request = this.compose({ ...outgoing, uri: target, to, callId }, ++cseq, tag);
        const size = maxSize === undefined ? 0 : wireSize(request);
        if (maxSize !== undefined && size > maxSize) {
          throw new LimitError(`a ${request.method} of ${size} bytes: expected at most ${maxSize}`);
        }
        return await this.send(request, () => ++cseq, signal);
      },
      signal,
    );
  }

  /**
   * Sends a request outside of dialogs to its target, and to the targets of redirections within the trust domain (RFC 3261
   * §8.1.3.4); each to another server of the core if one is overloaded.
   */
  async followed(
    uri: string,
    send: (target: string) => Promise<SipResponse>,
    signal?: AbortSignal,
  ): Promise<SipResponse> {
    let response = await this.#sendToAnyServer(uri, send, signal);
    // 305 and 380 are not followed.
    if (response.status < 300 || response.status > 302) return response;
    const redirection = new Redirection(uri, this.options.identity);
    for (;;) {
      const target = redirection.next(response);
      if (target === undefined) return response;
      response = await this.#sendToAnyServer(target, send, signal);
    }
  }

  /** Whether the response is a 503 of a server, and the agent connects to another one. */
  isOverload(response: SipResponse): boolean {
    return this.#overloaded.has(response);
  }

  /** Ends when each server of the core is overloaded: the agent does not connect to one of them soon. */
  async #sendToAnyServer(
    target: string,
    send: (target: string) => Promise<SipResponse>,
    signal: AbortSignal | undefined,
  ): Promise<SipResponse> {
    for (;;) {
      const response = await send(target);
      if (!this.isOverload(response)) return response;
      await this.dependencies.registered(signal);
    }
  }

  /**
   * Sends a request, answers challenges, and returns the final response.
   * @throws TimeoutError, TransportError, LimitError, the reason of the signal.
   */
  send(request: SipRequest, nextCSeq: () => number, signal?: AbortSignal): Promise<SipResponse> {
    this.#addAccessNetwork(request);
    return this.#authorization.send(request, nextCSeq, (authorized) => this.#transact(authorized, signal));
  }

  /** As `send`, with the Contact of the connection that it is sent on. */
  sendWithContact(request: SipRequest, nextCSeq: () => number): Promise<SipResponse> {
    this.#addAccessNetwork(request);
    return this.#authorization.send(request, nextCSeq, async (authorized) => {
      await this.#withContact(authorized);
      return await this.#transact(authorized);
    });
  }

  /** Sends an INVITE or a re-INVITE, with the Contact of the connection that it is sent on. */
  invite(
    request: SipRequest,
    nextCSeq: () => number,
    handlers: InvitationHandlers,
    features?: readonly string[],
  ): Invitation {
    this.#addAccessNetwork(request);
    return new Invitation(request, nextCSeq, handlers, {
      authorization: this.#authorization,
      flowFor: (authorized, signal) => this.#withContact(authorized, features, signal),
      transact: (authorized, flow, each) => this.#start(authorized, flow, each),
    });
  }

  /** Sends the ACK of a 2xx, which is not a transaction. */
  sendAck(ack: SipRequest): void {
    if (!this.dependencies.flow()) return;
    this.#flowFor(ack)
      .then((flow) => flow.send(writeMessage(withVia(ack, flow).request)))
      .catch((error: unknown) => {
        // An ACK has no answer. If the flow is lost, the 2xx is retransmitted, or the session ends.
        if (!(error instanceof SipPushError)) throw error;
      });
  }

  /** Also within a dialog, but never in an ACK or a CANCEL (3GPP TS 24.229 §5.1.2A.1). */
  #addAccessNetwork(request: SipRequest): void {
    const { accessNetworkInfo } = this.options;
    if (accessNetworkInfo) request.headers.set('P-Access-Network-Info', accessNetworkInfo);
  }

  /** The request may have been composed without a connection, or for another one. */
  async #withContact(
    request: SipRequest,
    features?: readonly string[],
    signal?: AbortSignal,
  ): Promise<SipFlow> {
    // The size of the request depends on it.
    request.headers.set('Contact', this.dependencies.contact(request, features));
    const flow = await this.#flowFor(request, signal);
    request.headers.set('Contact', this.dependencies.contact(request, features));
    return flow;
  }

  /** @throws ConfigurationError for a request to a `sips` URI on a connection without TLS (RFC 3261 §26.2.2). */
  async #flowFor(request: SipRequest, signal?: AbortSignal): Promise<SipFlow> {
    const { method, headers } = request;
    // Without a Route, only an application server can reach the remote target: a terminal may be behind a NAT. A GRUU is
    // known to its registrar only.
    const isReachable = headers.has('Route') || (this.options.listen !== undefined && !isGruu(request.uri));
    const nextHop = isReachable ? request.nextHop : undefined;
    const flow = await this.dependencies.flowFor(method, () => wireSize(request), signal, nextHop);
    if (!isToSecure(request) || isSecureTransport(flow.transport)) return flow;
    throw new ConfigurationError(
      `cannot send ${request.method} to ${request.uri} over ${flow.transport}: a sips URI requires TLS, expected a "server" with transport=tls or wss`,
    );
  }

  #start(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction {
    const since = performance.now();
    const isDialog = (request.headers.to?.tag ?? '') !== '';
    return this.dependencies.layer.send(request, flow, {
      onResponse: (response) => {
        if (response.status === 503 && !isDialog) {
          const retryAfter = parseDeltaSeconds(response.headers.get('Retry-After')) ?? 0;
          if (this.dependencies.overloaded(flow, retryAfter)) this.#overloaded.add(response);
        }
        handlers.onResponse(response);
      },
      onFailure: (error) => {
        handlers.onFailure(error);
        // Within a dialog it may be the peer that is gone, and a connection shows its loss itself.
        if (error instanceof TimeoutError && !flow.reliable && !isDialog)
          this.dependencies.requestTimedOut(flow, since, error);
      },
    });
  }

  async #transact(request: SipRequest, signal?: AbortSignal): Promise<SipResponse> {
    signal?.throwIfAborted();
    const flow = await this.#flowFor(request, signal);
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const transaction = this.#start(request, flow, {
        onResponse: (response) => {
          if (response.status < 200) return;
          signal?.removeEventListener('abort', abort);
          resolve(response);
        },
        onFailure: (error) => {
          signal?.removeEventListener('abort', abort);
          reject(error);
        },
      });
      const abort = () => {
        transaction.abandon();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort);
    });
  }
}

/** Size of the request in bytes, with the Via that the transaction layer adds. */
function wireSize(request: SipRequest): number {
  return writeMessage(request).length + VIA_BYTES;
}
