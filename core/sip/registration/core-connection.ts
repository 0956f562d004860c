/**
 * The connection of an agent to its SIP/IP core: one flow to one server at a time, which JsSIP selects and recovers; a
 * second flow over TCP for requests that are too large for UDP; and an optional listener.
 */

import { platform } from '#platform';
import { ConfigurationError, LimitError, TransportError, UntrustedError } from '../../errors.js';
import type { ListenLimits } from '../../platform/bounds.js';
import type { Sockets, TlsOptions } from '../../platform/sockets.js';
import { systemClock } from '../../time/clock.js';
import { atMost, within } from '../../time/deadline.js';
import { Waiters } from '../../time/waiters.js';
import type { MalformedSipError } from '../message/malformed-message.js';
import { isRequest, type SipMessage } from '../message/message.js';
import {
  type ClientFlow,
  type ConnectFlowOptions,
  connectFlow,
  requireReachable,
} from '../transport/connect.js';
import type { SipFlow, SipTransport, WireObserver } from '../transport/flow.js';
import { listenUdpAndTcp, type SipListener } from '../transport/listener.js';
import { NextHops } from '../transport/next-hops.js';
import { PeerGate } from '../transport/peer-gate.js';
import { ServerLocator } from '../transport/server-locator.js';
import { hostPort, isSecureTransport, parseEndpoint, transportOf } from '../transport/transport-uri.js';
import { MAX_DATAGRAM_BYTES } from '../transport/udp-flow.js';
import { isSecure, SipUri, secureUri } from '../values/uri.js';
import { JsSipUserAgent, type JsSipUserAgentOptions } from './jssip-user-agent.js';
import { ServerConnector } from './server-connector.js';

export interface CoreConnectionOptions {
  /** Our own URI. For a `sips` URI, each transport is TLS and our Contact is a `sips` URI (RFC 3261 §10.2.1). */
  identity: string;
  /** In order of preference. */
  servers: readonly string[];
  tls?: TlsOptions;
  sockets?: Sockets;
  listen?: string;
  /** Peers beside the servers whose messages are accepted where the agent listens; see `PeerGate`. */
  peers?: readonly string[];
  /** Bounds of the connections there, and of the bytes held for them. */
  limits?: Partial<ListenLimits>;
  /** A message from another peer arrived there. Only its sender may be answered. */
  onForeign(message: SipMessage, flow: SipFlow, reason: string): void;
  onWire?: WireObserver;
  onMessage(message: SipMessage, flow: SipFlow): void;
  onMalformed(error: MalformedSipError, flow: SipFlow): void;
  onFlowClosed(flow: SipFlow): void;
  onConnected(server: string): void;
  onDisconnected(server: string, error: Error): void;
  /** Options for the schedule of registrations by JsSIP. */
  registrar: Pick<
    JsSipUserAgentOptions,
    'instanceId' | 'expires' | 'register' | 'sendRegister' | 'onSettled'
  >;
}

/** Largest request over UDP if the path MTU is unknown, bytes (RFC 3261 §18.1.1). */
const MAX_UDP_REQUEST = 1300;
/** How long the start waits for the addresses of the servers, milliseconds. Later ones are used when they are known. */
const RESOLVE_DEADLINE = 5000;
/** How long a request waits for the addresses of its next hop, milliseconds: less than an ACK may take. */
const LOCATE_DEADLINE = 3000;
/** How long a request waits for a connection, milliseconds: as long as Timer F. */
const CONNECT_DEADLINE = 32_000;

export class CoreConnection {
  readonly jssip: JsSipUserAgent;
  readonly #options: CoreConnectionOptions;
  readonly #contactUser: string;
  /** The servers that are outbound proxies. */
  readonly #proxies: ReadonlySet<string>;
  readonly #flowOptions: ConnectFlowOptions;
  readonly #gate: PeerGate | undefined;
  #flow: ClientFlow | undefined;
  #server = '';
  #largeFlow: Promise<ClientFlow> | undefined;
  #listener: SipListener | undefined;
  readonly #locator = new ServerLocator();
  readonly #connector: ServerConnector;
  readonly #hops: NextHops;
  /** Requests that wait for a connection. */
  readonly #waiting = new Waiters<ClientFlow>();
  readonly #closing = new AbortController();
  /** When a message of a server arrived last, by `performance.now`. */
  #heardAt = 0;
  /** Consecutive servers whose certificate is not trusted. */
  #untrusted = 0;
  /** The reason why there is no connection, after a colon. */
  #reason = '';

  constructor(options: CoreConnectionOptions) {
    // Sockets of the caller may reach more than this platform.
    if (!options.sockets) for (const server of options.servers) requireReachable(server);
    requireSecureTransports(options);
    this.#options = options;
    this.#proxies = new Set(options.servers.filter((uri) => SipUri.parse(uri)?.parameters.has('lr')));
    const { tls, sockets, onMalformed, onFlowClosed, onWire } = options;
    this.#gate =
      options.listen === undefined
        ? undefined
        : new PeerGate({ ...options, resolve: (host) => this.#addressesOf(host) });
    const common = { tls, sockets, onMalformed, onWire };
    this.#flowOptions = {
      ...common,
      // Only an application server needs it: others notice a dead server by their REGISTER and by ICMP.
      onMessage: this.#gate
        ? (message, flow) => {
            this.#heardAt = performance.now();
            options.onMessage(message, flow);
          }
        : options.onMessage,
      onFlowClosed: (flow, error) => {
        onFlowClosed(flow);
        this.jssip.flowFailed(flow, error ?? new TransportError('the server closed the connection'));
      },
    };
    const listener = () => this.#listener;
    this.#connector = new ServerConnector(this.#flowOptions, this.#locator, listener);
    const fromHop = { ...common, onFlowClosed, onMessage: this.#receiveFromHop };
    this.#hops = new NextHops(fromHop, this.#locator, listener);
    // The same after a restart, so that a device at the same address replaces its own binding.
    this.#contactUser = platform.hash('sha-256', options.registrar.instanceId).slice(0, 16);
    this.jssip = new JsSipUserAgent({
      ...options.registrar,
      servers: options.servers,
      contactUser: this.#contactUser,
      connect: (server, signal) => this.#connector.connect(server, signal),
      onFlow: (server, flow) => this.#connected(server, flow),
      onFlowLost: (server, error) => this.#disconnected(server, error),
    });
  }

  /** The flow in use; undefined while disconnected. */
  get flow(): ClientFlow | undefined {
    return this.#flow;
  }

  /** The flow in use, if its peer is the peer of the lost one. */
  replacementOf(lost: SipFlow): SipFlow | undefined {
    const flow = this.#flow;
    const same =
      flow?.transport === lost.transport &&
      flow.remote.host === lost.remote.host &&
      flow.remote.port === lost.remote.port;
    return same ? flow : undefined;
  }

  /**
   * The server as the first route, if it is configured as an outbound proxy, by `lr`: a P-CSCF is ahead of the Service-Route
   * (3GPP TS 24.229 §5.1.2A.1.1).
   */
  get outboundProxy(): readonly string[] {
    const server = this.#server || (this.#options.servers[0] ?? '');
    return this.#proxies.has(server) ? [`<${server}>`] : [];
  }

  /** User part of our Contact. It identifies our own binding. */
  get contactUser(): string {
    return this.#contactUser;
  }

  /** URI at which the core reaches this agent. */
  get contactUri(): string {
    const { transport, host, port } = this.#listener
      ? parseEndpoint(this.#listener.uri)
      : { transport: this.#flow?.transport ?? 'UDP', ...(this.#flow?.local ?? { host: '0.0.0.0', port: 0 }) };
    const uri = `sip:${this.#contactUser}@${hostPort(host, port)};transport=${transportParameter(transport)}`;
    return isSecure(this.#options.identity) ? secureUri(uri) : uri;
  }

  /** Listens, if configured, and starts to connect. JsSIP retries until `close`. */
  async open(): Promise<void> {
    if (this.#gate) await this.#listen(this.#gate);
    this.jssip.start();
  }

  async #listen(gate: PeerGate): Promise<void> {
    const { listen: at = '', limits, onForeign } = this.#options;
    await atMost(RESOLVE_DEADLINE, gate.refresh());
    this.#listener = await listenUdpAndTcp(at, {
      ...this.#flowOptions,
      limits,
      gate: {
        admits: (peer, names) => gate.admits(peer, names),
        allowsForeign: () => gate.allowsForeign(),
        onForeign: (message, flow) => onForeign(message, flow, gate.refusal(flow.remote)),
      },
    });
  }

  /** Requests that wait for a connection fail. */
  async close(): Promise<void> {
    const closed = new TransportError('the connection to the SIP/IP core was closed');
    this.#closing.abort(closed);
    this.jssip.stop();
    this.#flow = undefined;
    this.#waiting.reject(closed);
    this.#hops.close();
    this.#connector.close();
    await Promise.allSettled([this.#closeLargeFlow(), this.#listener?.close() ?? Promise.resolve()]);
  }

  /** The server does not answer: JsSIP selects the next one. */
  serverFailed(error: Error): void {
    if (this.#flow) this.jssip.flowFailed(this.#flow, error);
  }

  /**
   * A request on this flow had no response. The server itself does not answer if nothing has arrived meanwhile: then
   * JsSIP selects the next one (RFC 3263 §4.3).
   * @param since when the request was sent, by `performance.now`.
   */
  requestTimedOut(flow: SipFlow, since: number, error: Error): void {
    if (this.#gate && flow === this.#flow && this.#heardAt < since) this.jssip.flowFailed(flow, error);
  }

  /**
   * The server of a flow answered 503 to a request outside of dialogs: it is overloaded. JsSIP selects another one, if
   * there is one. The flow stays open for the answers to its other requests.
   * @param retryAfter seconds.
   * @returns whether the request can be sent to another server (RFC 3261 §21.5.4, RFC 3263 §4.3).
   */
  overloaded(flow: SipFlow, retryAfter: number): boolean {
    const current = this.#flow;
    if (this.#connector.hasLeft(flow)) return true;
    const large = this.#largeFlow;
    if (!current || current.remote.host !== flow.remote.host || current.remote.port !== flow.remote.port)
      return false;
    if (!this.#connector.overloaded(current, this.#server, this.#options.servers, retryAfter)) return false;
    this.#connector.leave(current);
    this.#largeFlow = undefined;
    large?.then((each) => this.#connector.leave(each)).catch(() => {});
    this.jssip.leave(current, new TransportError(`${this.#server} is overloaded`));
    return true;
  }

  /**
   * Waits for a connection, and returns the flow for a request. A request that is too large for UDP is sent over TCP
   * (RFC 3261 §18.1.1); if the server does not accept TCP, over UDP in fragments.
   * @param sizeOf size of the request in bytes; called over UDP only.
   * @param nextHop URI of the next hop of a request within a dialog.
   * @throws TransportError without a connection in time, LimitError if the request is too large.
   */
  async flowFor(
    method: string,
    sizeOf: () => number,
    signal?: AbortSignal,
    nextHop?: string,
  ): Promise<SipFlow> {
    this.#closing.signal.throwIfAborted();
    const flow = this.#flow ?? (await this.#nextFlow(signal));
    const hop = nextHop === undefined ? undefined : await this.#flowToHop(nextHop, flow, sizeOf);
    if (hop) return hop;
    if (flow.transport !== 'UDP') return flow;
    const size = sizeOf();
    if (size <= MAX_UDP_REQUEST) return flow;
    try {
      return await this.#openLargeFlow();
    } catch (error) {
      this.#closing.signal.throwIfAborted();
      if (size <= MAX_DATAGRAM_BYTES) {
        if (!flow.closed) return flow;
        throw new TransportError(`the connection to ${this.#server} was lost`, { cause: error });
      }
      const server = this.#server;
      throw new LimitError(
        `the ${method} of ${size} bytes is too large for UDP (${MAX_DATAGRAM_BYTES}), and ${server} does not accept TCP`,
        { cause: error },
      );
    }
  }

  async #openLargeFlow(): Promise<ClientFlow> {
    const opening = this.#largeFlow;
    const known = await opening?.catch(() => undefined);
    if (known && !known.closed) return known;
    // The first of several waiting requests connects, and the others share its flow.
    if (this.#largeFlow === opening) {
      const { host, port } = this.#flow?.remote ?? parseEndpoint(this.#server);
      const { signal } = this.#closing;
      this.#largeFlow = connectFlow({ transport: 'TCP', host, port }, { ...this.#flowOptions, signal });
    }
    const flow = await this.#largeFlow;
    if (!flow) throw new TransportError(`the connection to ${this.#server} was lost`);
    return flow;
  }

  async #closeLargeFlow(): Promise<void> {
    const opening = this.#largeFlow;
    this.#largeFlow = undefined;
    const flow = await opening?.catch(() => undefined);
    flow?.close();
  }

  #nextFlow(signal?: AbortSignal): Promise<ClientFlow> {
    const late = () =>
      new TransportError(`no connection to ${this.#options.servers.join(', ')}${this.#reason}`);
    return this.#waiting.wait(signal, { milliseconds: CONNECT_DEADLINE, late });
  }

  /** Undefined if the next hop is the server of `flow`, or cannot be reached: then the server forwards the request. */
  async #flowToHop(uri: string, flow: ClientFlow, sizeOf: () => number): Promise<SipFlow | undefined> {
    const { sockets, servers } = this.#options;
    // The sockets of the caller resolve their names, and a browser has one connection.
    if (sockets || !platform.protocols.has('udp') || servers.some((server) => isSameHop(server, uri)))
      return undefined;
    try {
      const late = new TransportError(`${uri} was not located in time`);
      const hops = await within(systemClock, LOCATE_DEADLINE, late, this.#locator.locate(uri));
      const { host, port } = flow.remote;
      if (hops.some((hop) => hop.host === host && hop.port === port)) return undefined;
      return await this.#hops.flowTo(hops, sizeOf() > MAX_UDP_REQUEST);
    } catch (error) {
      // ConfigurationError: a transport that this package does not have.
      if (error instanceof TransportError || error instanceof ConfigurationError) return undefined;
      throw error;
    }
  }

  /** Responses belong to our requests. Requests are of a peer only if the gate admits it. */
  readonly #receiveFromHop = (message: SipMessage, flow: SipFlow): void => {
    const { onMessage, onForeign } = this.#options;
    if (!isRequest(message) || this.#gate?.admits(flow.remote)) onMessage(message, flow);
    else onForeign(message, flow, `${flow.remote.host} is a hop of a dialog, and not a server`);
  };

  /** For the gate: the addresses of the servers with this host. */
  async #addressesOf(host: string): Promise<string[] | undefined> {
    const servers = this.#options.servers.filter((server) => parseEndpoint(server).host === host);
    const located = servers.filter((server) => this.#locator.locates(server));
    if (located.length === 0) return await platform.resolve(host);
    const found = await Promise.all(located.map((server) => this.#locator.locate(server)));
    return found.flat().map((each) => each.host);
  }

  #connected(server: string, flow: ClientFlow): void {
    this.#flow = flow;
    this.#server = server;
    this.#gate?.connected(server, flow.remote);
    this.#untrusted = 0;
    this.#reason = '';
    this.#waiting.resolve(flow);
    this.#options.onConnected(server);
  }

  #disconnected(server: string, error: Error): void {
    const lost = this.#flow;
    this.#flow = undefined;
    this.#connector.lost(lost);
    this.#reason = `: ${error.message}`;
    this.#untrusted = error instanceof UntrustedError ? this.#untrusted + 1 : 0;
    // Further waiting is useless. Connecting continues, in case a certificate is replaced.
    if (this.#untrusted >= this.#options.servers.length) {
      this.#waiting.reject(error);
    }
    // It leads to the same server, which does not answer.
    void this.#closeLargeFlow();
    if (lost && !this.#connector.hasLeft(lost)) this.#options.onFlowClosed(lost);
    this.#options.onDisconnected(server, error);
  }
}

/** The same host and port, whatever the transport. */
function isSameHop(server: string, uri: string): boolean {
  const [one, other] = [SipUri.parse(server), SipUri.parse(uri)];
  return one?.host.toLowerCase() === other?.host.toLowerCase() && one?.port === other?.port;
}

/** RFC 7118 §5.2: a WebSocket over TLS is `ws` in a URI. */
function transportParameter(transport: SipTransport): string {
  return transport === 'WSS' ? 'ws' : transport.toLowerCase();
}

/** @throws ConfigurationError naming the first URI without TLS, if the identity requires it. */
function requireSecureTransports({ identity, servers, listen: at }: CoreConnectionOptions): void {
  if (!isSecure(identity)) return;
  const insecure = [...servers, ...(at === undefined ? [] : [at])].find(
    (uri) => !isSecureTransport(transportOf(uri)),
  );
  if (insecure === undefined) return;
  throw new ConfigurationError(
    `invalid URI ${JSON.stringify(insecure)} for the identity ${identity}: expected transport=tls or wss, because sips requires TLS`,
  );
}
