/**
 * A SIP user agent: requests out with digest and deadlines, requests in as server transactions, sessions both
 * ways, and a registration where one is asked for.
 */

import { platform } from '#platform';
import { LimitError, TransportError } from '../errors.js';
import type { TlsOptions } from '../platform/platform.js';
import { Authorization, type Credentials } from './authorization.js';
import { CoreConnection } from './core-connection.js';
import { tagOf } from './dialog.js';
import type { WireObserver } from './flow.js';
import { SipHeaders } from './headers.js';
import { type InviteSession, InviteSessions } from './invite-session.js';
import { NO_BODY, type SipRequest, type SipResponse } from './message.js';
import type { RefusedRequest } from './refused-request.js';
import { type RegisterRequest, Registration, type RegistrationOptions } from './registration.js';
import { UserAgentServer } from './server.js';
import { refuseMalformed } from './stateless-answer.js';
import type { ClientTransaction } from './transactions/client.js';
import { withVia } from './transactions/clients.js';
import { TransactionLayer } from './transactions/layer.js';
import type { ServerTransaction } from './transactions/server.js';
import { hostPort } from './transport-uri.js';
import { SipUri } from './uri.js';
import { buildResponse, writeMessage } from './writer.js';

export interface SipUserAgentOptions {
  /** Our own URI, `sip:bob@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order of preference, `sip:127.0.0.1:5060;transport=tcp`. */
  servers: readonly string[];
  credentials?: Credentials;
  tls?: TlsOptions;
  /** Value of User-Agent and Server. */
  product: string;
  /** Methods handed to `onRequest`; OPTIONS is answered here. */
  methods: readonly string[];
  /** Media types for the Accept of an OPTIONS answer. */
  accept(): readonly string[];
  onRequest(transaction: ServerTransaction): void;
  /** A request that was turned away before any application saw it. */
  onRefused?(refused: RefusedRequest): void;
  /** REGISTER while connected; an application server does not. */
  registration?: RegistrationOptions;
  /** Where requests reach an agent that does not register, `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  onConnected?(server: string): void;
  onDisconnected?(server: string, error: Error): void;
  /** Every message as it was on the wire. */
  onWire?: WireObserver;
}

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

export interface InviteHandlers {
  onProvisional?(response: SipResponse): void;
  /** A 2xx: more than one where the INVITE was forked. */
  onSession?(session: InviteSession, response: SipResponse): void;
}

export interface OutgoingInvite {
  /** The first final response; rejects as `request` does. */
  readonly final: Promise<SipResponse>;
  /** Ends it before its answer, once a provisional response came (RFC 3261 9.1). */
  cancel(): void;
}

/** Terminals that may answer one INVITE: each makes a session. Nobody has as many; a broken core may say so. */
const MAX_BRANCHES = 100;

/** Room for the Via that the transaction layer puts on top, bytes. */
const VIA_ROOM = 130;

export class SipUserAgent {
  readonly registration: Registration | undefined;
  readonly #options: SipUserAgentOptions;
  readonly #layer: TransactionLayer;
  readonly #core: CoreConnection;
  readonly #authorization: Authorization;
  readonly #server: UserAgentServer;
  readonly #sessions: InviteSessions;
  #closing = false;

  constructor(options: SipUserAgentOptions) {
    this.#options = options;
    this.#authorization = new Authorization(options.credentials);
    this.#sessions = new InviteSessions(
      (request, nextCSeq, onAccepted) =>
        this.#authorization.send(request, nextCSeq, (authorized) =>
          this.#transact(authorized, onAccepted ? { onAccepted } : {}),
        ),
      (ack) => this.#sendAck(ack),
    );
    this.#server = new UserAgentServer(options, this.#sessions);
    this.#layer = new TransactionLayer({
      onRequest: (transaction) => this.#server.receive(transaction),
      detectMerged: true,
    });
    this.registration = options.registration && this.#newRegistration(options.registration);
    this.#core = this.#newConnection();
    this.registration?.attach(this.#core.jssip);
  }

  /** URI for the Contact of our requests and answers: the public GRUU where we have one (5.1-04). */
  get contact(): string {
    return this.registration?.state?.publicGruu ?? this.#core.contactUri;
  }

  /** Starts to listen (where configured) and to connect; JsSIP goes on trying until `stop`. */
  async start(): Promise<void> {
    await this.#core.open();
  }

  /** De-registers, ends what is outstanding, and closes every socket. */
  async stop(): Promise<void> {
    this.#closing = true;
    await this.registration?.close();
    this.#layer.close();
    await this.#core.close();
  }

  /**
   * Sends a request outside any dialog and gives its final response; challenges are answered.
   * @throws TimeoutError when no final response came (Timer F), TransportError, LimitError when it is too large.
   */
  async request(outgoing: OutgoingRequest, { signal, maxSize }: RequestOptions = {}): Promise<SipResponse> {
    let cseq = 1;
    const request = this.#compose(outgoing, cseq);
    const size = maxSize === undefined ? 0 : wireSize(request);
    if (maxSize !== undefined && size > maxSize) {
      throw new LimitError(`the ${request.method} would be ${size} bytes; at most ${maxSize} are allowed`);
    }
    return await this.#authorization.send(
      request,
      () => ++cseq,
      (authorized) => this.#transact(authorized, signal ? { signal } : {}),
    );
  }

  /** Sends an INVITE. Each 2xx is acknowledged, sent again or not; each branch of a fork is a session. */
  invite(outgoing: Omit<OutgoingRequest, 'method'>, handlers: InviteHandlers = {}): OutgoingInvite {
    let cseq = 1;
    let current: ClientTransaction | undefined;
    let cancelled = false;
    const request = this.#compose({ ...outgoing, method: 'INVITE' }, cseq);
    request.headers.set('Contact', `<${this.contact}>`);
    const sessions = new Map<string, InviteSession>();
    const answered = (authorized: SipRequest, response: SipResponse) => {
      const branch = tagOf(response.headers.get('To') ?? '');
      const known = sessions.get(branch);
      // Without its ACK a terminal ends its session by itself.
      if (!known && sessions.size >= MAX_BRANCHES) return;
      const session = known ?? this.#sessions.answered(authorized, response);
      sessions.set(branch, session);
      session.acknowledge(response);
      if (!known) handlers.onSession?.(session, response);
    };
    const final = this.#authorization.send(
      request,
      () => ++cseq,
      async (authorized) => {
        const flow = await this.#core.flowFor('INVITE', () => wireSize(authorized));
        if (cancelled) throw new TransportError('the INVITE was cancelled before it was sent');
        return await new Promise<SipResponse>((resolve, reject) => {
          const onResponse = (response: SipResponse) => {
            if (response.status < 200) handlers.onProvisional?.(response);
            else if (response.status < 300) answered(authorized, response);
            if (response.status >= 200) resolve(response);
          };
          current = this.#layer.send(authorized, flow, { onResponse, onFailure: reject });
        });
      },
    );
    const cancel = () => {
      cancelled = true;
      current?.cancel();
    };
    return { final, cancel };
  }

  /**
   * Accepts an INVITE that was handed to `onRequest`: a 200, sent until it is acknowledged.
   * @throws TransportError when it was answered before, as after a CANCEL.
   */
  accept(
    transaction: ServerTransaction,
    { headers = [], body }: Pick<OutgoingRequest, 'headers' | 'body'> = {},
  ): InviteSession {
    const { request } = transaction;
    if (transaction.answered) throw new TransportError('the INVITE was answered before: there is no session');
    const response = buildResponse(request, 200, {
      headers: [
        // RFC 3261 12.1.1: the route set of the dialog, as it came.
        ...request.headers.getAll('Record-Route').map((route) => ['Record-Route', route] as const),
        ['Contact', `<${this.contact}>`],
        ['Allow', this.#server.allow],
        ...headers,
      ],
      ...(body ? { body } : {}),
    });
    return this.#sessions.accept(transaction, response);
  }

  #newRegistration(options: RegistrationOptions): Registration {
    return new Registration(options, {
      contactUri: () => this.#core.contactUri,
      contactUser: () => this.#core.contactUser,
      connected: () => this.#core.flow !== undefined,
      send: (request) => this.#sendRegister(request),
      serverFailed: (error) => this.#core.serverFailed(error),
    });
  }

  #newConnection(): CoreConnection {
    const { servers, tls, listen, onWire, onConnected, onDisconnected } = this.#options;
    const { registration } = this;
    return new CoreConnection({
      servers,
      ...(tls ? { tls } : {}),
      ...(listen ? { listen } : {}),
      ...(onWire ? { onWire } : {}),
      onMessage: (message, flow) => this.#layer.receive(message, flow),
      onMalformed: (error, flow) => {
        refuseMalformed(error, flow);
        this.#server.noteMalformed(error);
      },
      onFlowClosed: (flow) => this.#layer.flowClosed(flow),
      onConnected: (server) => onConnected?.(server),
      onDisconnected: (server, error) => {
        registration?.flowLost();
        if (!this.#closing) onDisconnected?.(server, error);
      },
      registrar: {
        instanceId: this.#options.registration?.instanceId ?? `urn:uuid:${crypto.randomUUID()}`,
        expires: this.#options.registration?.expires ?? 0,
        register: registration !== undefined,
        carry: async (register) => {
          if (!registration) throw new TransportError('this agent does not register');
          return await registration.carry(register);
        },
        onSettled: () => registration?.onSettled(),
      },
    });
  }

  async #sendRegister({ register, contact, headers, nextCSeq }: RegisterRequest): Promise<SipResponse> {
    const { identity } = this.#options;
    const uri = SipUri.parse(identity);
    const request = this.#compose(
      {
        method: 'REGISTER',
        // The registrar is the domain of our identity (RFC 3261 10.2).
        uri: uri ? `${uri.scheme}:${hostPort(uri.host, uri.port)}` : identity,
        to: identity,
        headers: [
          ['Contact', contact],
          ['Expires', String(register.expires)],
          ['Supported', 'path, gruu'],
          ['Allow', this.#server.allow],
          ...headers,
        ],
      },
      nextCSeq(),
      register.fromTag,
    );
    request.headers.set('Call-ID', register.callId);
    return await this.#authorization.send(request, nextCSeq, (authorized) => this.#transact(authorized));
  }

  #compose(outgoing: OutgoingRequest, cseq: number, tag = platform.randomHex(8)): SipRequest {
    const { method, uri, to = uri, headers = [], body = NO_BODY } = outgoing;
    const request: SipRequest = {
      method,
      uri,
      headers: new SipHeaders()
        .set('Max-Forwards', '70')
        .set('From', `<${this.#options.identity}>;tag=${tag}`)
        .set('To', `<${to}>`)
        .set('Call-ID', platform.randomHex(16))
        .set('CSeq', `${cseq} ${method}`)
        .set('User-Agent', this.#options.product),
      body,
    };
    for (const [name, value] of headers) request.headers.append(name, value);
    return request;
  }

  /** @param onAccepted for each 2xx to an INVITE, sent again or not. */
  async #transact(
    request: SipRequest,
    { signal, onAccepted }: { signal?: AbortSignal; onAccepted?: (response: SipResponse) => void } = {},
  ): Promise<SipResponse> {
    signal?.throwIfAborted();
    const flow = await this.#core.flowFor(request.method, () => wireSize(request), signal);
    signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const transaction = this.#layer.send(request, flow, {
        onResponse: (response) => {
          if (response.status < 200) return;
          if (response.status < 300) onAccepted?.(response);
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

  #sendAck(ack: SipRequest): void {
    const { flow } = this.#core;
    if (!flow) return;
    try {
      flow.send(writeMessage(withVia(ack, flow).request));
    } catch (error) {
      // Nobody answers an ACK: where the flow is lost the 2xx comes again, or the session ends.
      if (!(error instanceof TransportError)) throw error;
    }
  }
}

/** Bytes of the request with the Via that the transaction layer will put on top. */
function wireSize(request: SipRequest): number {
  return writeMessage(request).length + VIA_ROOM;
}
