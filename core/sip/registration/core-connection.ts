/**
 * The connection of an agent to its SIP/IP core: one flow to one server at a time, which JsSIP picks and
 * recovers; a second one over TCP for requests too large for UDP; and a listener where one is configured.
 */

import { platform } from '#platform';
import { LimitError, TransportError, UntrustedError } from '../../errors.js';
import type { Sockets, TlsOptions } from '../../platform/platform.js';
import { delay } from '../../time/deadline.js';
import type { MalformedSip, SipMessage } from '../message/message.js';
import { type ClientFlow, connectFlow, requireReachable } from '../transport/connect.js';
import type { SipFlow, SipTransport, WireObserver } from '../transport/flow.js';
import { listen, type SipListener } from '../transport/listener.js';
import { hostPort, parseEndpoint, transportOf, withTransport } from '../transport/transport-uri.js';
import { JsSipUserAgent, type JsSipUserAgentOptions } from './jssip-user-agent.js';

export interface CoreConnectionOptions {
  /** In order of preference. */
  servers: readonly string[];
  tls?: TlsOptions;
  sockets?: Sockets;
  listen?: string;
  onWire?: WireObserver;
  onMessage(message: SipMessage, flow: SipFlow): void;
  onMalformed(error: MalformedSip, flow: SipFlow): void;
  onFlowClosed(flow: SipFlow): void;
  onConnected(server: string): void;
  onDisconnected(server: string, error: Error): void;
  /** What JsSIP schedules registrations with. */
  registrar: Pick<JsSipUserAgentOptions, 'instanceId' | 'expires' | 'register' | 'carry' | 'onSettled'>;
}

/** RFC 3261 18.1.1: the largest request for UDP where the path MTU is not known, bytes. */
const MAX_UDP_REQUEST = 1300;
/** What one datagram holds, bytes (RFC 768 over IPv4). */
const MAX_DATAGRAM = 65_507;
/** Most that is added to JsSIP's own wait when server after server says nothing, seconds. */
const MAX_SILENCE_BACKOFF = 60;
interface Waiting {
  give(flow: ClientFlow): void;
  fail(error: Error): void;
}

/** Timer F: how long a request waits for a connection, milliseconds. */
const CONNECT_DEADLINE = 32_000;

export class CoreConnection {
  readonly jssip: JsSipUserAgent;
  readonly #options: CoreConnectionOptions;
  readonly #contactUser: string;
  #flow: ClientFlow | undefined;
  #server = '';
  #largeFlow: Promise<ClientFlow> | undefined;
  #listener: SipListener | undefined;
  readonly #waiting = new Set<Waiting>();
  readonly #closing = new AbortController();
  /** Flows in a row that were lost before anything came by them: a UDP socket opens whoever is there. */
  #silent = 0;
  /** Servers in a row whose certificate nobody vouches for. */
  #untrusted = 0;
  /** Why there is no connection. */
  #why = '';

  constructor(options: CoreConnectionOptions) {
    // Those that are given know what they reach.
    if (!options.sockets) for (const server of options.servers) requireReachable(server);
    this.#options = options;
    // The same over restarts, so that a device that comes back at the same address replaces its own binding.
    this.#contactUser = platform.hash('sha-256', options.registrar.instanceId).slice(0, 16);
    this.jssip = new JsSipUserAgent({
      ...options.registrar,
      servers: options.servers,
      contactUser: this.#contactUser,
      connect: (server, signal) => this.#connect(server, signal),
      onFlow: (server, flow) => this.#gained(server, flow),
      onFlowLost: (server, error) => this.#lost(server, error),
    });
  }

  /** The flow in use; undefined while there is none. */
  get flow(): ClientFlow | undefined {
    return this.#flow;
  }

  /** The connection in use, where it leads to the same peer as one that was lost. */
  replacementOf(lost: SipFlow): SipFlow | undefined {
    const flow = this.#flow;
    const same =
      flow?.transport === lost.transport &&
      flow.remote.host === lost.remote.host &&
      flow.remote.port === lost.remote.port;
    return same ? flow : undefined;
  }

  /** User part of our Contact, by which we know our own binding. */
  get contactUser(): string {
    return this.#contactUser;
  }

  /** URI at which the core reaches us. */
  get contactUri(): string {
    const { transport, host, port } = this.#listener
      ? parseEndpoint(this.#listener.uri)
      : { transport: this.#flow?.transport ?? 'UDP', ...(this.#flow?.local ?? { host: '0.0.0.0', port: 0 }) };
    return `sip:${this.#contactUser}@${hostPort(host, port)};transport=${transportParameter(transport)}`;
  }

  /** Listens where configured, and starts to connect; JsSIP goes on trying until `close`. */
  async open(): Promise<void> {
    const { listen: at } = this.#options;
    if (at !== undefined) {
      this.#listener = await listen(at, this.#flowOptions());
    }
    this.jssip.start();
  }

  /** What waits for a connection fails. */
  async close(): Promise<void> {
    const closed = new TransportError('the connection to the SIP/IP core was closed');
    this.#closing.abort(closed);
    this.jssip.stop();
    this.#flow = undefined;
    for (const { fail } of [...this.#waiting]) fail(closed);
    await Promise.allSettled([this.#closeLargeFlow(), this.#listener?.close() ?? Promise.resolve()]);
  }

  /** The server does not answer: JsSIP turns to the next one. */
  serverFailed(error: Error): void {
    if (this.#flow) this.jssip.flowFailed(this.#flow, error);
  }

  /**
   * The flow for a request; waits for a connection. RFC 3261 18.1.1: what is too large for UDP goes over TCP;
   * to a server that takes no TCP over UDP all the same, in as many fragments as it takes.
   * @param sizeOf bytes of the request, asked for over UDP only
   * @throws TransportError when there is no connection in time, LimitError when the request is too large.
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
      if (size <= MAX_DATAGRAM) {
        if (!flow.closed) return flow;
        throw new TransportError(`the connection to ${this.#server} was lost`, { cause: error });
      }
      const server = this.#server;
      throw new LimitError(
        `the ${method} of ${size} bytes is too large for UDP (${MAX_DATAGRAM}), and ${server} does not take it over TCP`,
        { cause: error },
      );
    }
  }

  async #openLargeFlow(): Promise<ClientFlow> {
    const opening = this.#largeFlow;
    const known = await opening?.catch(() => undefined);
    if (known && !known.closed) return known;
    // Of several that wait here, the first connects and the others take what it gets.
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
      const waiting: Waiting = {
        give: (flow) => end(() => resolve(flow)),
        fail: (error) => end(() => reject(error)),
      };
      const abort = () => end(() => reject(signal?.reason));
      const deadline = setTimeout(
        () =>
          waiting.fail(
            new TransportError(`no connection to ${this.#options.servers.join(', ')}${this.#why}`),
          ),
        CONNECT_DEADLINE,
      );
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', abort);
    });
  }

  async #connect(server: string, signal?: AbortSignal): Promise<ClientFlow> {
    // An application server's requests leave from the address it is known by (P-2).
    if (this.#listener && transportOf(server) === 'UDP' && transportOf(this.#listener.uri) === 'UDP') {
      return this.#listener.flowTo(parseEndpoint(server));
    }
    // JsSIP's backoff starts anew with each connection, which over UDP means nothing.
    const wait = Math.min(2 ** this.#silent - 1, MAX_SILENCE_BACKOFF);
    if (wait > 0 && transportOf(server) === 'UDP') await delay(wait * 1000, signal);
    return await connectFlow(server, {
      signal,
      ...this.#flowOptions(),
    });
  }

  #flowOptions() {
    const { tls, sockets, onMessage, onMalformed, onFlowClosed, onWire } = this.#options;
    return {
      ...(tls ? { tls } : {}),
      ...(sockets ? { sockets } : {}),
      onMessage: (message: SipMessage, flow: SipFlow) => {
        this.#silent = 0;
        onMessage(message, flow);
      },
      onMalformed,
      onFlowClosed: (flow: SipFlow, error?: Error) => {
        onFlowClosed(flow);
        this.jssip.flowFailed(flow, error ?? new TransportError('the server closed the connection'));
      },
      ...(onWire ? { onWire } : {}),
    };
  }

  #gained(server: string, flow: ClientFlow): void {
    this.#flow = flow;
    this.#server = server;
    this.#untrusted = 0;
    this.#why = '';
    for (const { give } of [...this.#waiting]) give(flow);
    this.#options.onConnected(server);
  }

  #lost(server: string, error: Error): void {
    const lost = this.#flow;
    this.#flow = undefined;
    this.#silent++;
    this.#why = `: ${error.message}`;
    this.#untrusted = error instanceof UntrustedError ? this.#untrusted + 1 : 0;
    // To wait on is in vain; whoever mends the certificate finds us trying.
    if (this.#untrusted >= this.#options.servers.length) {
      for (const { fail } of [...this.#waiting]) fail(error);
    }
    // It is to the same server, which does not answer.
    void this.#closeLargeFlow();
    if (lost) this.#options.onFlowClosed(lost);
    this.#options.onDisconnected(server, error);
  }
}

/** RFC 7118 5.2: a WebSocket over TLS is `ws` in a URI too. */
function transportParameter(transport: SipTransport): string {
  return transport === 'WSS' ? 'ws' : transport.toLowerCase();
}
