/** A flow (RFC 5626): the path on which messages to and from one peer travel. */

import type { Address } from '../../platform/platform.js';
import { Timer } from '../../time/clock.js';
import { isRequest, MalformedSip, type SipMessage, type SipRequest } from '../message/message.js';
import { Via } from '../values/via.js';
import { parseMessage } from '../wire/parser.js';

export type SipTransport = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS';

export interface SipFlow {
  readonly transport: SipTransport;
  /** False for UDP: transactions retransmit. */
  readonly reliable: boolean;
  readonly local: Address;
  readonly remote: Address;
  /** A flow is alive until its connection is lost. A UDP flow lives as long as its socket. */
  readonly closed: boolean;
  /** Sends one whole SIP message. Throws TransportError when the flow is closed. */
  send(bytes: Uint8Array): void;
  /** The flow on which a response must travel to this address, where the Via names another (RFC 3261 18.2.2); only UDP. */
  to?(address: Address): SipFlow;
}

/** Sees every message as it is on the wire; keep-alives are not messages. */
export type WireObserver = (direction: 'in' | 'out', bytes: Uint8Array, flow: SipFlow) => void;

/** Bytes of one message from any transport to whoever listens on its flow. */

export interface FlowHandlers {
  /** `received` and `rport` are on the top Via of a request. */
  onMessage(message: SipMessage, flow: SipFlow): void;
  /** `refuseMalformed` answers what can be answered. A connection that lost its framing closes by itself afterwards. */
  onMalformed?(error: MalformedSip, flow: SipFlow): void;
  /** Once, when the connection is gone, with the reason where it did not end in order. */
  onFlowClosed?(flow: SipFlow, error?: Error): void;
  onWire?: WireObserver;
}

/** False when it was none. */
export function receiveMessage(bytes: Uint8Array, flow: SipFlow, handlers: FlowHandlers): boolean {
  handlers.onWire?.('in', bytes, flow);
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch (error) {
    if (!(error instanceof MalformedSip)) throw error;
    reportMalformed(error, flow, handlers);
    return false;
  }
  if (isRequest(message)) noteSource(message, flow.remote);
  handlers.onMessage(message, flow);
  return true;
}

export function reportMalformed(error: MalformedSip, flow: SipFlow, handlers: FlowHandlers): void {
  if (error.partial) noteSource(error.partial, flow.remote);
  handlers.onMalformed?.(error, flow);
}

/** Keep-alives of a client's flow: CRLFCRLF, answered by CRLF over connections (RFC 5626 4.4.1). */

export const PING: Uint8Array = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a]);
export const PONG: Uint8Array = new Uint8Array([0x0d, 0x0a]);

/**
 * Longest wait between pings; each is 80 to 100 % of it, so that a thousand devices do not ping together
 * (RFC 5626 4.4). NATs forget UDP bindings after 30 s (RFC 4787 4.3 asks for minutes and is not heard).
 */
const INTERVAL_MS = 29_000;
/** RFC 5626 4.4.1. */
const PONG_TIMEOUT_MS = 10_000;

export class KeepAlive {
  readonly #alarm = new Timer();
  #peerAnswers = false;
  #awaiting = false;

  constructor(
    private readonly ping: () => void,
    /** The peer, which has answered pings before, is silent. Never called over UDP, where nobody answers. */
    private readonly onDead: () => void,
  ) {
    this.#wait();
  }

  pong(): void {
    this.#peerAnswers = true;
  }

  /** Bytes came. While a long message arrives the pong has to queue behind it: any byte is a sign of life. */
  heard(): void {
    if (this.#awaiting) this.#wait();
  }

  stop(): void {
    this.#alarm.clear();
  }

  #wait(): void {
    this.#awaiting = false;
    this.#alarm.set(INTERVAL_MS * (0.8 + 0.2 * Math.random()), () => {
      this.#wait();
      if (this.#peerAnswers) {
        this.#awaiting = true;
        this.#alarm.set(PONG_TIMEOUT_MS, this.onDead);
      }
      this.ping();
    });
  }
}

/**
 * Over a connection: that connection. Over UDP: the address the request came from, and the port it came from
 * where the client asked for it by `rport`, else the port of its Via. `maddr` is not followed, though 18.2.2 puts it
 * first: it lets anybody aim our responses at anybody.
 */
export function responseFlow(request: SipRequest, flow: SipFlow): SipFlow {
  if (flow.reliable || !flow.to) return flow;
  const via = Via.parse(request.headers.get('Via') ?? '');
  if (!via || via.parameters.has('rport')) return flow;
  const port = via.port ?? DEFAULT_PORT;
  return port === flow.remote.port || port === 0 ? flow : flow.to({ host: flow.remote.host, port });
}

/** Where a response travels (RFC 3261 18.2.2, RFC 3581 4). */

/** Of a sent-by without a port, over UDP. */
const DEFAULT_PORT = 5060;

/** `received` and `rport` on the top Via of an incoming request (RFC 3261 18.2.1, RFC 3581 4). */

export function noteSource({ headers }: SipRequest, source: Address): void {
  const via = Via.parse(headers.get('Via') ?? '');
  if (!via) return;
  const { parameters } = via;
  const asked = parameters.has('rport');
  const host = via.host.replace(/^\[(.*)\]$/, '$1');
  if (!asked && !parameters.has('received') && host === source.host) return;
  // Whatever the client wrote there itself.
  parameters.delete('received');
  if (asked || host !== source.host) parameters.setRaw('received', source.host);
  if (asked) parameters.setRaw('rport', String(source.port));
  headers.removeFirst('Via');
  headers.prepend('Via', via.toString());
}
