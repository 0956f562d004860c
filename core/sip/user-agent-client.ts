/** What a user agent does with any request of its own (RFC 3261 8.1): composes it, answers challenges, sends it. */

import { platform } from '#platform';
import { LimitError, TransportError } from '../errors.js';
import { type AccountCredentials, Authorization } from './authentication/authorization.js';
import { NO_BODY, SipHeaders, type SipRequest, type SipResponse } from './message/message.js';
import { followRouteSet } from './session/dialog.js';
import { Invitation, type InvitationHandlers } from './session/invitation.js';
import { withVia } from './transactions/client-transactions.js';
import type { TransactionLayer } from './transactions/layer.js';
import type { SipFlow } from './transport/flow.js';
import { writeMessage } from './wire/writer.js';

export interface OutgoingRequest {
  method: string;
  /** Request-URI. */
  uri: string;
  /** To, where it is not the Request-URI: a bare URI. */
  to?: string;
  headers?: readonly (readonly [name: string, value: string])[];
  body?: Uint8Array;
}

export interface RequestOptions {
  signal?: AbortSignal;
  /** Largest request as a whole, bytes, before challenges are answered. */
  maxSize?: number;
}

export interface UserAgentClientOptions {
  /** Our own URI, `sip:bob@domain.test`. */
  identity: string;
  credentials?: AccountCredentials;
  /** Value of User-Agent. */
  product: string;
  /** Value of P-Access-Network-Info (RFC 7315 4.4), for a core that is trusted with where we are. */
  accessNetworkInfo?: string;
}

/** Where requests go. */
export interface ClientDependencies {
  readonly layer: TransactionLayer;
  /** Undefined as long as there is no connection. */
  flow(): SipFlow | undefined;
  /**
   * Waits for a connection.
   * @param sizeOf bytes of the request.
   * @throws TransportError, LimitError, the signal's reason.
   */
  flowFor(method: string, sizeOf: () => number, signal?: AbortSignal): Promise<SipFlow>;
  /** Our Contact, as it is now: `<sip:…>` with feature parameters. */
  contact(features?: readonly string[]): string;
  /** Route of requests but those to the registrar (RFC 3608). */
  serviceRoute(): readonly string[];
}

/** Room for the Via that the transaction layer puts on top, bytes. */
const VIA_ROOM = 130;

export class UserAgentClient {
  readonly #authorization: Authorization;

  constructor(
    private readonly options: UserAgentClientOptions,
    private readonly door: ClientDependencies,
  ) {
    this.#authorization = new Authorization(options.credentials);
  }

  /** A request outside any dialog; a dialog composes its own. */
  compose(outgoing: OutgoingRequest, cseq: number, tag = platform.randomHex(8)): SipRequest {
    const { method, uri, to = uri, headers = [], body = NO_BODY } = outgoing;
    const { identity, product } = this.options;
    const request: SipRequest = {
      method,
      uri,
      headers: new SipHeaders()
        .set('Max-Forwards', '70')
        .set('From', `<${identity}>;tag=${tag}`)
        .set('To', `<${to}>`)
        .set('Call-ID', platform.randomHex(16))
        .set('CSeq', `${cseq} ${method}`)
        .set('User-Agent', product),
      body,
    };
    this.#addAccessNetwork(request);
    // RFC 3608 6.2: a preloaded route of every request but those to the registrar.
    if (method !== 'REGISTER') followRouteSet(request, this.door.serviceRoute());
    for (const [name, value] of headers) request.headers.append(name, value);
    return request;
  }

  /**
   * Composes a request and gives its final response.
   * @throws TimeoutError when no final response came (Timer F), TransportError, LimitError when it is too large.
   */
  async request(outgoing: OutgoingRequest, { signal, maxSize }: RequestOptions = {}): Promise<SipResponse> {
    let cseq = 1;
    const request = this.compose(outgoing, cseq);
    const size = maxSize === undefined ? 0 : wireSize(request);
    if (maxSize !== undefined && size > maxSize) {
      throw new LimitError(`the ${request.method} would be ${size} bytes; at most ${maxSize} are allowed`);
    }
    return await this.send(request, () => ++cseq, signal);
  }

  /**
   * Sends a request as it is, again where it is challenged, and gives the final response.
   * @throws TimeoutError, TransportError, LimitError, the signal's reason.
   */
  send(request: SipRequest, nextCSeq: () => number, signal?: AbortSignal): Promise<SipResponse> {
    this.#addAccessNetwork(request);
    return this.#authorization.send(request, nextCSeq, (authorized) => this.#transact(authorized, signal));
  }

  /** As `send`, with a Contact that is right when it leaves. */
  sendWithContact(request: SipRequest, nextCSeq: () => number): Promise<SipResponse> {
    this.#addAccessNetwork(request);
    return this.#authorization.send(request, nextCSeq, async (authorized) => {
      await this.#withContact(authorized);
      return await this.#transact(authorized);
    });
  }

  /** An INVITE, or a re-INVITE, with a Contact that is right when it leaves. */
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
      transact: (authorized, flow, each) => this.door.layer.send(authorized, flow, each),
    });
  }

  /** An ACK of a 2xx, which is no transaction. */
  sendAck(ack: SipRequest): void {
    const flow = this.door.flow();
    if (!flow) return;
    try {
      flow.send(writeMessage(withVia(ack, flow).request));
    } catch (error) {
      // Nobody answers an ACK: where the flow is lost the 2xx comes again, or the session ends.
      if (!(error instanceof TransportError)) throw error;
    }
  }

  /** In requests within a dialog too, but never in an ACK or a CANCEL (3GPP TS 24.229 §5.1.2A.1). */
  #addAccessNetwork(request: SipRequest): void {
    const { accessNetworkInfo } = this.options;
    if (accessNetworkInfo) request.headers.set('P-Access-Network-Info', accessNetworkInfo);
  }

  /** There may have been no connection, or another one, when it was composed. */
  async #withContact(
    request: SipRequest,
    features?: readonly string[],
    signal?: AbortSignal,
  ): Promise<SipFlow> {
    // Its size depends on it.
    request.headers.set('Contact', this.door.contact(features));
    const flow = await this.door.flowFor(request.method, () => wireSize(request), signal);
    request.headers.set('Contact', this.door.contact(features));
    return flow;
  }

  async #transact(request: SipRequest, signal?: AbortSignal): Promise<SipResponse> {
    signal?.throwIfAborted();
    const flow = await this.door.flowFor(request.method, () => wireSize(request), signal);
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const transaction = this.door.layer.send(request, flow, {
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

/** Bytes of the request with the Via that the transaction layer will put on top. */
function wireSize(request: SipRequest): number {
  return writeMessage(request).length + VIA_ROOM;
}
