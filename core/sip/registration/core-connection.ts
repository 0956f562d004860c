/**
 * The connection of an agent to its SIP/IP core: one flow to one server at a time, which JsSIP selects and recovers; a
 * second flow over TCP for requests that are too large for UDP; and an optional listener.
 */

import { platform } from '#platform';
import { ConfigurationError, LimitError, TransportError, UntrustedError } from '../../errors.js';
import type { ListenLimits } from '../../platform/bounds.js';
import type { Sockets, TlsOptions } from '../../platform/sockets.js';
import { delay } from '../../time/abort-signal.js';
import { doubledDelay } from '../../time/backoff.js';
import { atMost } from '../../time/deadline.js';
import type { MalformedSipError } from '../message/malformed-message.js';
import type { SipMessage } from '../message/message.js';
import {
  type ClientFlow,
  type ConnectFlowOptions,
  connectFlow,
  requireReachable,
} from '../transport/connect.js';
import type { SipFlow, SipTransport, WireObserver } from '../transport/flow.js';
import { listen, type SipListener } from '../transport/listener.js';
import { PeerGate } from '../transport/peer-gate.js';
import {
  hostPort,
  isSecureTransport,
  parseEndpoint,
  transportOf,
  withTransport,
} from '../transport/transport-uri.js';
import { MAX_DATAGRAM_BYTES } from '../transport/udp-flow.js';
import { isSecure, secureUri } from '../values/uri.js';
import { JsSipUserAgent, type JsSipUserAgentOptions } from './jssip-user-agent.js';

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
/** Added to the backoff of JsSIP while servers do not respond, less its first second: 1, 3, 7 s, up to a minute. */
const SILENCE_BACKOFF = { first: 2000, longest: 61_000 };

/** A request that waits for a connection. */
interface WaitingRequest {
  connected(flow: ClientFlow): void;
  fail(error: Error): void;
}

/** How long the start waits for the addresses of the servers, milliseconds. Later ones are used when they are known. */
const RESOLVE_DEADLINE = 5000;
/** How long a request waits for a connection, milliseconds: as long as Timer F. */
const CONNECT_DEADLINE = 32_000;

export class CoreConnection {
  readonly jssip: JsSipUserAgent;
  readonly #options: CoreConnectionOptions;
  readonly #contactUser: string;
  readonly #flowOptions: ConnectFlowOptions;
  readonly #gate: PeerGate | undefined;
  #flow: ClientFlow | undefined;
  #server = '';
  #largeFlow: Promise<ClientFlow> | undefined;
  #listener: SipListener | undefined;
  readonly #waiting = new Set<WaitingRequest>();
  readonly #closing = new AbortController();
  /** Consecutive flows that were lost before a message arrived: a UDP socket also opens without a server. */
  #silent = 0;
  /** Consecutive servers whose certificate is not trusted. */
  #untrusted = 0;
  /** The reason why there is no connection, after a colon. */
  #reason = '';

  constructor(options: CoreConnectionOptions) {
    // Sockets of the caller may reach more than this platform.
    if (!options.sockets) for (const server of options.servers) requireReachable(server);
    requireSecureTransports(options);
    this.#options = options;
    this.#gate = options.listen === undefined ? undefined : new PeerGate(options);
    const { tls, sockets, onMessage, onMalformed, onFlowClosed, onWire } = options;
    this.#flowOptions = {
      tls,
      sockets,
      onMessage,
      onMalformed,
      onWire,
      onFlowClosed: (flow, error) => {
        onFlowClosed(flow);
        this.jssip.flowFailed(flow, error ?? new TransportError('the server closed the connection'));
      },
    };
    // The same after a restart, so that a device at the same address replaces its own binding.
    this.#contactUser = platform.hash('sha-256', options.registrar.instanceId).slice(0, 16);
    this.jssip = new JsSipUserAgent({
      ...options.registrar,
      servers: options.servers,
      contactUser: this.#contactUser,
      connect: (server, signal) => this.#connect(server, signal),
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
    this.#listener = await listen(at, {
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
    for (const { fail } of [...this.#waiting]) fail(closed);
    await Promise.allSettled([this.#closeLargeFlow(), this.#listener?.close() ?? Promise.resolve()]);
  }

  /** The server does not answer: JsSIP selects the next one. */
  serverFailed(error: Error): void {
    if (this.#flow) this.jssip.flowFailed(this.#flow, error);
  }

  /**
   * Waits for a connection, and returns the flow for a request. A request that is too large for UDP is sent over TCP
   * (RFC 3261 §18.1.1); if the server does not accept TCP, over UDP in fragments.
   * @param sizeOf size of the request in bytes; called over UDP only.
   * @throws TransportError without a connection in time, LimitError if the request is too large.
   */
  async flowFor(method: string, sizeOf: () => number, signal?: AbortSignal): Promise<SipFlow> {
    this.#closing.signal.throwIfAborted();
    const flow = this.#flow ?? (await this.#nextFlow(signal));
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
      this.#largeFlow = this.#connect(withTransport(this.#server, 'tcp'), this.#closing.signal);
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
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(deadline);
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(waiting);
        settle();
      };
      const waiting: WaitingRequest = {
        connected: (flow) => end(() => resolve(flow)),
        fail: (error) => end(() => reject(error)),
      };
      const abort = () => end(() => reject(signal?.reason));
      const deadline = setTimeout(
        () =>
          waiting.fail(
            new TransportError(`no connection to ${this.#options.servers.join(', ')}${this.#reason}`),
          ),
        CONNECT_DEADLINE,
      );
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', abort);
    });
  }

  async #connect(server: string, signal?: AbortSignal): Promise<ClientFlow> {
    // An application server sends requests from its known address (P-2).
    if (this.#listener && transportOf(server) === 'UDP' && transportOf(this.#listener.uri) === 'UDP') {
      return this.#listener.flowTo(parseEndpoint(server));
    }
    // The backoff of JsSIP restarts with each connection; over UDP an open socket does not prove that a server exists.
    const wait = doubledDelay(SILENCE_BACKOFF, this.#silent) - 1000;
    if (wait > 0 && transportOf(server) === 'UDP') await delay(wait, signal);
    return await connectFlow(server, { signal, ...this.#flowOptions });
  }

  #connected(server: string, flow: ClientFlow): void {
    this.#flow = flow;
    this.#server = server;
    this.#gate?.connected(server, flow.remote);
    this.#untrusted = 0;
    this.#reason = '';
    for (const waiting of [...this.#waiting]) waiting.connected(flow);
    this.#options.onConnected(server);
  }

  #disconnected(server: string, error: Error): void {
    const lost = this.#flow;
    this.#flow = undefined;
    if (lost?.received) this.#silent = 0;
    this.#silent++;
    this.#reason = `: ${error.message}`;
    this.#untrusted = error instanceof UntrustedError ? this.#untrusted + 1 : 0;
    // Further waiting is useless. Connecting continues, in case a certificate is replaced.
    if (this.#untrusted >= this.#options.servers.length) {
      for (const { fail } of [...this.#waiting]) fail(error);
    }
    // It leads to the same server, which does not answer.
    void this.#closeLargeFlow();
    if (lost) this.#options.onFlowClosed(lost);
    this.#options.onDisconnected(server, error);
  }
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
