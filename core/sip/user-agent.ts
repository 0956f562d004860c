/**
 * A SIP user agent (RFC 3261 §8): a client and a server with one connection to the core, sessions, subscriptions, and an
 * optional registration.
 */

import { platform } from '#platform';
import { TransportError } from '../errors.js';
import type { ListenLimits } from '../platform/bounds.js';
import type { Sockets, TlsOptions } from '../platform/sockets.js';
import { atMost } from '../time/deadline.js';
import {
  isRequest,
  type RefusedRequest,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message/message.js';
import { buildResponse } from './message/writer.js';
import { CoreConnection } from './registration/core-connection.js';
import { defaultIdentity } from './registration/register-answer.js';
import { type RegisterRequest, Registration, type RegistrationOptions } from './registration/registration.js';
import { isToSecure } from './session/dialog.js';
import type { InvitationHandlers } from './session/invitation.js';
import { type InviteSession, timerHeaders } from './session/invite-session.js';
import { InviteSessions } from './session/invite-sessions.js';
import { type InviteHandlers, type InviteOptions, OutgoingInvite } from './session/outgoing-invite.js';
import { longerInterval } from './session/session-timer.js';
import type { Subscription, SubscriptionHandlers } from './subscription/subscription.js';
import type { SubscribeOptions } from './subscription/subscription-usage.js';
import { Subscriptions } from './subscription/subscriptions.js';
import { TransactionLayer } from './transactions/layer.js';
import type { ServerTransaction } from './transactions/server-machine.js';
import { answerStatelessly, refuseMalformed } from './transactions/stateless-answer.js';
import type { SipFlow, WireObserver } from './transport/flow.js';
import { hostPort } from './transport/transport-uri.js';
import {
  type OutgoingRequest,
  type RequestOptions,
  UserAgentClient,
  type UserAgentClientOptions,
} from './user-agent-client.js';
import { fromUri, UserAgentServer, type UserAgentServerOptions } from './user-agent-server.js';
import { isGruu, isSecure, SipUri, secureUri } from './values/uri.js';

export interface SipUserAgentOptions extends UserAgentClientOptions, UserAgentServerOptions {
  /** Value of User-Agent and Server. */
  product: string;
  /** Servers of the SIP/IP core in order of preference, `sip:127.0.0.1:5060;transport=tcp`. */
  servers: readonly string[];
  tls?: TlsOptions;
  /** Default: the sockets of this machine. */
  sockets?: Sockets;
  /** Registers while connected. An application server does not register. */
  registration?: RegistrationOptions;
  /**
   * Peers beside the servers whose requests are accepted at `listen`: addresses, ranges, and names in TLS client
   * certificates.
   */
  peers?: readonly string[];
  /** Bounds of the connections at `listen`, and of the bytes held for them. */
  limits?: Partial<ListenLimits>;
  /** A request from another peer was refused at `listen`. Most of a flood of them are dropped without a call. */
  onForeignRequest?(refused: RefusedRequest): void;
  onConnected?(server: string): void;
  onDisconnected?(server: string, error: Error): void;
  /** Observes every message as it is on the wire. */
  onWire?: WireObserver;
}

/** Parameters of the Contact of an INVITE or of its answer. */
export interface ContactFeatures {
  /** Feature parameters (RFC 3840 §6): `+g.oma.pusheventapp="mms.ua"`. */
  features?: readonly string[];
}

/** How long an agent that stops waits for the answers to its BYEs and CANCELs, milliseconds. */
const STOP_DEADLINE = 4000;

export class SipUserAgent {
  readonly registration: Registration | undefined;
  readonly #options: SipUserAgentOptions;
  readonly #layer: TransactionLayer;
  readonly #core: CoreConnection;
  readonly #client: UserAgentClient;
  readonly #server: UserAgentServer;
  readonly #sessions: InviteSessions;
  readonly #subscriptions: Subscriptions;
  readonly #invites = new Set<OutgoingInvite>();
  /** The identity in requests, and the URIs of the user that it was selected from. */
  #selected: { associated: readonly string[] | undefined; identity: string } | undefined;
  #closing = false;

  constructor(options: SipUserAgentOptions) {
    this.#options = options;
    this.#sessions = new InviteSessions({
      send: (request, nextCSeq) => this.#client.send(request, nextCSeq),
      invite: (request, nextCSeq, handlers) => this.#client.invite(request, nextCSeq, handlers),
      sendAck: (ack) => this.#client.sendAck(ack),
      contact: (request) => this.#contactFor(request),
      capabilities: () => this.#server.capabilities(),
    });
    this.#subscriptions = this.#newSubscriptions();
    this.#server = new UserAgentServer(options, this.#sessions, this.#subscriptions);
    this.#layer = new TransactionLayer({
      onRequest: this.#server.receive,
      detectMerged: true,
      refuseCancelled: true,
      replaceFlow: (lost) => this.#core.replacementOf(lost),
    });
    this.#client = new UserAgentClient(options, {
      layer: this.#layer,
      flow: () => this.#core.flow,
      flowFor: (...request) => this.#core.flowFor(...request),
      overloaded: (flow, retryAfter) => this.#core.overloaded(flow, retryAfter),
      requestTimedOut: (...request) => this.#core.requestTimedOut(...request),
      registered: (signal) => this.#registered(signal),
      contact: (request, features) => this.#contactWith(request, features),
      route: () => [...this.#core.outboundProxy, ...(this.registration?.serviceRoute ?? [])],
      identity: () => this.identity,
    });
    this.registration = options.registration && this.#newRegistration(options.registration);
    this.#core = this.#newConnection();
    this.registration?.attach(this.#core.jssip);
  }

  /**
   * Our own URI. If the core does not list the registered one among those of the user, because it is temporary or barred,
   * the first that it lists (P-Associated-URI; 3GPP TS 24.229 §5.1.1.2.1).
   */
  get identity(): string {
    const associated = this.registration?.state?.associatedUris;
    // Selected once for each registration: every request names it.
    if (!this.#selected || this.#selected.associated !== associated) {
      this.#selected = { associated, identity: defaultIdentity(this.#options.identity, associated) };
    }
    return this.#selected.identity;
  }

  /** URI for the Contact of our requests and answers: the public GRUU, if there is one (5.1-04). */
  get contact(): string {
    const { publicGruu } = this.registration ?? {};
    if (publicGruu === undefined) return this.#core.contactUri;
    // A registrar may assign the GRUU by the sip URI of the user.
    return isSecure(this.#options.identity) ? secureUri(publicGruu) : publicGruu;
  }

  /**
   * IP address of this machine as the core reaches it, for incoming media. Waits for a connection.
   * @throws TransportError, TimeoutError, or the signal's reason.
   */
  async localHost(signal?: AbortSignal): Promise<string> {
    return (await this.#core.flowFor('INVITE', () => 0, signal)).local.host;
  }

  /** The server that requests outside of dialogs are sent to, `TCP 192.0.2.1:5060`; undefined while disconnected. */
  get nextHop(): string | undefined {
    const { flow } = this.#core;
    return flow && `${flow.transport} ${hostPort(flow.remote.host, flow.remote.port)}`;
  }

  /** Every method that the agent accepts, outside of dialogs and within: the value of Allow for the whole agent. */
  get methods(): readonly string[] {
    return this.#server.allMethods;
  }

  /** Starts to listen, if configured, and to connect. JsSIP retries until `stop`. */
  async start(): Promise<void> {
    await this.#core.open();
  }

  /**
   * Ends every session with BYE and every INVITE of ours, unsubscribes, de-registers, and closes every socket. Handlers
   * are notified. Waits a few seconds at most for answers.
   */
  async stop(): Promise<void> {
    this.#closing = true;
    await this.#endDialogs();
    await this.registration?.close();
    this.#layer.close();
    await this.#core.close();
  }

  /**
   * Sends a request outside of dialogs, answers challenges, follows redirections within the trust domain, and returns its
   * final response.
   * @throws TimeoutError without a final response (Timer F), TransportError, LimitError if it is too large.
   */
  async request(outgoing: OutgoingRequest, options: RequestOptions = {}): Promise<SipResponse> {
    return await this.#client.request(outgoing, options);
  }

  /**
   * Sends an INVITE, and follows redirections within the trust domain. Each 2xx is acknowledged, including
   * retransmissions; each branch of a fork is a session.
   * @returns the first final response.
   * @throws TimeoutError without one (Timer B; an INVITE that rings is cancelled after 3 minutes), TransportError,
   * LimitError if it is too large, the reason of the signal.
   */
  async invite(
    { features, ...outgoing }: Omit<OutgoingRequest, 'method'> & ContactFeatures,
    handlers: InviteHandlers = {},
    options: InviteOptions = {},
  ): Promise<SipResponse> {
    await this.#client.ready(options.signal);
    const { uri, to = uri, callId = platform.randomHex(16) } = outgoing;
    const tag = platform.randomHex(8);
    let cseq = 0;
    const attempt = async (target: string, more: readonly (readonly [string, string])[] = []) => {
      const { closed } = this.#sessions;
      if (closed) throw closed;
      const request = this.#client.compose(
        { ...outgoing, uri: target, to, callId, method: 'INVITE' },
        ++cseq,
        tag,
      );
      request.headers.set('Allow', this.#server.allowInSession).set('Supported', 'gruu, timer, 100rel');
      for (const [name, value] of more) request.headers.set(name, value);
      const send = (each: InvitationHandlers) => this.#client.invite(request, () => ++cseq, each, features);
      const invite = new OutgoingInvite(send, this.#sessions, handlers, options);
      this.#invites.add(invite);
      void invite.settled.then(() => this.#invites.delete(invite));
      return await invite.final;
    };
    const sendTo = async (target: string) => {
      const response = await attempt(target);
      // RFC 4028 §7.3: a proxy or the receiver requires a session timer with a longer interval.
      return response.status === 422 ? await attempt(target, longerInterval(response.headers)) : response;
    };
    return await this.#client.followed(uri, sendTo, options.signal);
  }

  /**
   * Accepts an INVITE passed to `onRequest` with a 200, which is retransmitted until its ACK. The session then owns
   * `onAck` and `onTimeout` of the transaction.
   * @throws TransportError if the INVITE is already answered, e.g. after a CANCEL, or the agent stops.
   */
  accept(
    transaction: ServerTransaction,
    { headers = [], body, features }: Pick<OutgoingRequest, 'headers' | 'body'> & ContactFeatures = {},
  ): InviteSession {
    const { request } = transaction;
    if (transaction.answered) throw new TransportError('the INVITE is already answered: there is no session');
    const { closed } = this.#sessions;
    if (closed) {
      transaction.respond(buildResponse(request, 480));
      throw closed;
    }
    const response = buildResponse(request, 200, {
      headers: [
        // RFC 3261 §12.1.1: the route set of the dialog, unchanged.
        ...request.headers.getAll('Record-Route').map((route) => ['Record-Route', route] as const),
        ['Contact', this.#contactWith(request, features)],
        ...this.#server.capabilities(),
        ...timerHeaders(request),
        ...headers,
      ],
      body,
    });
    return this.#sessions.accept(transaction, response);
  }

  /**
   * Subscribes to an event package, and stays subscribed until a permanent refusal or `close`.
   * @throws LimitError if there are too many subscriptions, TransportError if the agent has stopped.
   */
  subscribe(options: SubscribeOptions, handlers: SubscriptionHandlers): Subscription {
    return this.#subscriptions.add(options, handlers);
  }

  #newSubscriptions(): Subscriptions {
    return new Subscriptions({
      compose: async (uri, to, cseq, tag) => {
        await this.#client.ready();
        return this.#client.compose({ method: 'SUBSCRIBE', uri, to }, cseq, tag);
      },
      send: (request, nextCSeq) => this.#client.sendWithContact(request, nextCSeq),
      allow: () => this.#server.allowInSubscription,
      product: this.#options.product,
    });
  }

  async #registered(signal?: AbortSignal): Promise<void> {
    const { registration } = this;
    if (!registration || registration.state) return;
    await this.#core.flowFor('REGISTER', () => 0, signal);
    await registration.settled(signal);
  }

  #newRegistration(options: RegistrationOptions): Registration {
    return new Registration(options, {
      contactUri: () => this.#core.contactUri,
      contactUser: () => this.#core.contactUser,
      usesFlow: () => this.#options.listen === undefined,
      keepAliveWithin: (seconds) => this.#core.flow?.keepAliveWithin?.(seconds),
      connected: () => this.#core.flow !== undefined,
      send: (request) => this.#sendRegister(request),
      serverFailed: (error) => this.#core.serverFailed(error),
    });
  }

  #newConnection(): CoreConnection {
    const { identity, servers, tls, sockets, listen, peers, limits, onWire, onConnected, onDisconnected } =
      this.#options;
    const { registration } = this;
    return new CoreConnection({
      identity,
      servers,
      tls,
      sockets,
      listen,
      peers,
      limits,
      onForeign: (message, flow, reason) => this.#refuseForeign(message, flow, reason),
      onWire,
      onMessage: this.#layer.receive,
      onMalformed: (error, flow) => {
        refuseMalformed(error, flow);
        this.#server.reportMalformed(error);
      },
      onFlowClosed: (flow) => this.#layer.flowClosed(flow),
      onConnected: (server) => {
        this.#subscriptions.reconnected();
        onConnected?.(server);
      },
      onDisconnected: (server, error) => {
        registration?.flowLost();
        if (!this.#closing) onDisconnected?.(server, error);
      },
      registrar: {
        instanceId: this.#options.registration?.instanceId ?? `urn:uuid:${crypto.randomUUID()}`,
        expires: this.#options.registration?.expires ?? 0,
        register: registration !== undefined,
        sendRegister: async (register) => {
          if (!registration) throw new TransportError('this agent does not register');
          return await registration.sendRegister(register);
        },
        onSettled: () => registration?.onSettled(),
      },
    });
  }

  /** Before anything in the message is trusted. Responses are dropped, and an ACK ends the refusal of an INVITE. */
  #refuseForeign(message: SipMessage, flow: SipFlow, reason: string): void {
    if (!isRequest(message) || message.method === 'ACK') return;
    answerStatelessly(message, flow, 403);
    this.#options.onForeignRequest?.({ method: message.method, status: 403, reason, from: fromUri(message) });
  }

  async #sendRegister({ register, contact, headers, nextCSeq }: RegisterRequest): Promise<SipResponse> {
    const { identity } = this.#options;
    const uri = SipUri.parse(identity);
    const request = this.#client.compose(
      {
        method: 'REGISTER',
        // The registrar is the domain of our identity (RFC 3261 §10.2).
        uri: uri ? `${uri.scheme}:${hostPort(uri.host, uri.port)}` : identity,
        to: identity,
        headers: [
          ['Contact', contact],
          ['Expires', String(register.expires)],
          ['Allow', this.#server.allow],
          ...headers,
        ],
      },
      nextCSeq(),
      register.fromTag,
    );
    request.headers.set('Call-ID', register.callId);
    const response = await this.#client.send(request, nextCSeq);
    // JsSIP registers with the next server.
    if (this.#client.isOverload(response)) throw new TransportError('503 of an overloaded server');
    return response;
  }

  async #endDialogs(): Promise<void> {
    const stopped = new TransportError('the agent has stopped');
    this.#sessions.close(stopped);
    const invites = [...this.#invites];
    for (const invite of invites) invite.giveUp(stopped);
    // A session that a late 2xx creates also ends with a BYE.
    const ended = Promise.all(invites.map(({ settled }) => settled)).then(() => this.#sessions.settled());
    // Without a connection there are no answers to wait for.
    const deadline = this.#core.flow ? STOP_DEADLINE : 0;
    await atMost(deadline, Promise.all([ended, this.#subscriptions.close(stopped)]));
    this.#sessions.sendWaitingByes();
    this.#subscriptions.abandon();
  }

  #contactWith(request: SipRequest, features: readonly string[] = []): string {
    return [`<${this.#contactFor(request)}>`, ...features].join(';');
  }

  /** Our Contact in a request or in its answer: a `sips` URI if its target is one (RFC 3261 §8.1.1.8, §12.1.1). */
  #contactFor(request: SipRequest): string {
    const contact = isToSecure(request) ? secureUri(this.contact) : this.contact;
    // RFC 5626 §4.3: later requests of the dialog arrive on this flow. A GRUU is routed by the registrar.
    return this.registration?.outbound && !isGruu(contact) ? `${contact};ob` : contact;
  }
}
