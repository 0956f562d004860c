/** A flow (RFC 5626): the path of messages to and from one peer. */

import type { Address } from '../../platform/sockets.js';
import { Timer } from '../../time/clock.js';
import { MalformedSipError } from '../message/malformed-message.js';
import { isRequest, type SipMessage, type SipRequest } from '../message/message.js';
import { parseMessage } from '../message/parser.js';

export type SipTransport = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS';

export interface SipFlow {
  readonly transport: SipTransport;
  /** False for UDP: transactions retransmit. */
  readonly reliable: boolean;
  readonly local: Address;
  readonly remote: Address;
  /** True after the connection is lost. A UDP flow closes with its socket. */
  readonly closed: boolean;
  /** A message has arrived on it. */
  received?: boolean;
  /** Sends keep-alives at least as often, as the peer asks (RFC 6223 §4.3); only on flows that a client opened. */
  keepAliveWithin?(seconds: number): void;
  /** Sends one whole SIP message. @throws TransportError if the flow is closed. */
  send(bytes: Uint8Array): void;
  /** The flow for a response to another address, which its Via names (RFC 3261 §18.2.2); only over UDP. */
  to?(address: Address): SipFlow;
}

/** Observes every message as it is on the wire. Keep-alives are not messages. */
export type WireObserver = (direction: 'in' | 'out', bytes: Uint8Array, flow: SipFlow) => void;

export interface FlowHandlers {
  /** The top Via of a request has `received` and `rport`. */
  onMessage(message: SipMessage, flow: SipFlow): void;
  /** `refuseMalformed` answers the request, if possible. A connection that lost its framing is closed afterwards. */
  onMalformed?(error: MalformedSipError, flow: SipFlow): void;
  /** Called once when the connection is closed, with the reason unless it was closed in order. */
  onFlowClosed?(flow: SipFlow, error?: Error): void;
  onWire?: WireObserver;
}

/** Parses and reports the bytes of one message. False if they are malformed. */
export function receiveMessage(bytes: Uint8Array, flow: SipFlow, handlers: FlowHandlers): boolean {
  handlers.onWire?.('in', bytes, flow);
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch (error) {
    if (!(error instanceof MalformedSipError)) throw error;
    reportMalformed(error, flow, handlers);
    return false;
  }
  flow.received = true;
  if (isRequest(message)) addSource(message, flow.remote);
  handlers.onMessage(message, flow);
  return true;
}

export function reportMalformed(error: MalformedSipError, flow: SipFlow, handlers: FlowHandlers): void {
  if (error.partial) addSource(error.partial, flow.remote);
  handlers.onMalformed?.(error, flow);
}

/** Sets `received` and `rport` in the top Via of an incoming request (RFC 3261 §18.2.1, RFC 3581 §4). */
function addSource({ headers }: SipRequest, source: Address): void {
  const { via } = headers;
  if (!via) return;
  const { parameters } = via;
  const asksForPort = parameters.has('rport');
  const host = via.host.replace(/^\[(.*)\]$/, '$1');
  if (!asksForPort && !parameters.has('received') && host === source.host) return;
  // A `received` that the client wrote itself is not reliable.
  parameters.delete('received');
  if (asksForPort || host !== source.host) parameters.setRaw('received', source.host);
  if (asksForPort) parameters.setRaw('rport', String(source.port));
  headers.setVia(via);
}

/** Port of a sent-by without one, over UDP. */
const DEFAULT_PORT = 5060;

/**
 * The flow for the response to a request (RFC 3261 §18.2.2, RFC 3581 §4). Over a connection: that connection. Over UDP:
 * the source address of the request, with its source port if the client asked for it by `rport`, else the port of its
 * Via. `maddr` is not followed, although §18.2.2 gives it priority: any client could direct our responses to any host.
 */
export function responseFlow(request: SipRequest, flow: SipFlow): SipFlow {
  if (flow.reliable || !flow.to) return flow;
  const { via } = request.headers;
  if (!via || via.parameters.has('rport')) return flow;
  const port = via.port ?? DEFAULT_PORT;
  return port === flow.remote.port || port === 0 ? flow : flow.to({ host: flow.remote.host, port });
}

export const PING: Uint8Array = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a]);
export const PONG: Uint8Array = new Uint8Array([0x0d, 0x0a]);

/**
 * Longest time between pings. Each interval is 80 to 100 % of it, so that a thousand devices do not ping together
 * (RFC 5626 §4.4). Many NATs drop UDP bindings after 30 s, although RFC 4787 §4.3 requires minutes.
 */
const INTERVAL_MS = 29_000;
/** Bounds of the interval that a server asks for, in milliseconds: keep-alives are no flood, and detect a lost flow. */
const ASKED_MS = { shortest: 10_000, longest: 900_000 };
/** RFC 5626 §4.4.1. */
const PONG_TIMEOUT_MS = 10_000;

/** The keep-alives of a client's flow: CRLFCRLF, answered by CRLF on a connection (RFC 5626 §4.4.1). */
export class KeepAlive {
  readonly #timer = new Timer();
  #peerAnswers = false;
  #awaitsPong = false;
  #interval = INTERVAL_MS;

  constructor(
    private readonly ping: () => void,
    /** The peer answered pings before, and no longer does. Never called over UDP, where pings have no answer. */
    private readonly onDead: () => void,
  ) {
    this.#wait();
  }

  get awaitsPong(): boolean {
    return this.#awaitsPong;
  }

  /** The peer asks for keep-alives at least as often. */
  within(seconds: number): void {
    const interval = Math.min(Math.max(seconds * 1000, ASKED_MS.shortest), ASKED_MS.longest);
    if (interval === this.#interval) return;
    this.#interval = interval;
    if (!this.#awaitsPong) this.#wait();
  }

  pong(): void {
    this.#peerAnswers = true;
  }

  /** Bytes arrived. The pong can queue behind a long message, so any byte proves that the peer is alive. */
  alive(): void {
    this.#wait();
  }

  stop(): void {
    this.#timer.clear();
  }

  #wait(): void {
    this.#awaitsPong = false;
    this.#timer.set(this.#interval * (0.8 + 0.2 * Math.random()), () => {
      this.#wait();
      if (this.#peerAnswers) {
        this.#awaitsPong = true;
        this.#timer.set(PONG_TIMEOUT_MS, this.onDead);
      }
      this.ping();
    });
  }
}
