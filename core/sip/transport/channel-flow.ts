/** A flow on a connection: TCP, TLS or WebSocket (RFC 3261 §18, RFC 5626, RFC 7118). */

import { TransportError } from '../../errors.js';
import type { Channel, ChannelProtocol } from '../../platform/sockets.js';
import { Timer } from '../../time/clock.js';
import { StreamFramer } from '../message/framing.js';
import {
  type FlowHandlers,
  KeepAlive,
  PING,
  PONG,
  receiveMessage,
  reportMalformed,
  type SipFlow,
  type SipTransport,
} from './flow.js';

/** How long a client has to send its first message after it connects. */
const FIRST_MESSAGE_TIMEOUT_MS = 30_000;

/** RFC 7118 §4.1. */
export const SIP_SUBPROTOCOL = 'sip';

export const CHANNEL_PROTOCOLS = { TCP: 'tcp', TLS: 'tls', WS: 'ws', WSS: 'wss' } as const;

const TRANSPORTS: Readonly<Record<ChannelProtocol, SipTransport>> = {
  tcp: 'TCP',
  tls: 'TLS',
  ws: 'WS',
  wss: 'WSS',
};

export class ChannelFlow implements SipFlow {
  readonly reliable = true;
  readonly transport: SipTransport;
  readonly #receive: (bytes: Uint8Array) => void;
  readonly #keepAlive: KeepAlive | undefined;
  /** Runs on an accepted connection until its first message. */
  readonly #firstMessage = new Timer();
  /** Pings in the bytes that are being read. */
  #pings = 0;
  #closed = false;
  #failure: Error | undefined;

  /** @param side the client opened the connection and pings; the server answers pings. */
  constructor(
    private readonly channel: Channel,
    side: 'client' | 'server',
    private readonly handlers: FlowHandlers,
  ) {
    this.transport = TRANSPORTS[channel.protocol];
    this.#receive = channel.framed ? (bytes) => this.#receiveFrame(bytes) : this.#stream();
    channel.ondata = (bytes) => {
      if (this.#keepAlive?.awaitsPong) this.#keepAlive.alive();
      if (!this.#closed) this.#receive(bytes);
    };
    channel.onclose = (error) => this.#onClosed(error);
    if (side === 'client') {
      this.#keepAlive = new KeepAlive(
        () => this.#write(PING),
        () => this.#fail(new TransportError('the peer no longer answers keep-alives')),
      );
    } else {
      this.#firstMessage.set(FIRST_MESSAGE_TIMEOUT_MS, () =>
        this.#fail(new TransportError(`no SIP message within ${FIRST_MESSAGE_TIMEOUT_MS / 1000} s`)),
      );
    }
  }

  get local() {
    return this.channel.local;
  }

  get remote() {
    return this.channel.remote;
  }

  get closed(): boolean {
    return this.#closed;
  }

  keepAliveWithin(seconds: number): void {
    if (!this.#closed) this.#keepAlive?.within(seconds);
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) throw new TransportError(`the ${this.transport} connection is closed`);
    this.handlers.onWire?.('out', bytes, this);
    this.#transmit(bytes);
  }

  /** Closes after the bytes sent before. */
  close(): void {
    if (this.#closed) return;
    this.#stop();
    this.channel.close();
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#failure = error;
    this.#stop();
    this.channel.destroy();
  }

  #stop(): void {
    this.#closed = true;
    this.#firstMessage.clear();
    this.#keepAlive?.stop();
  }

  #onClosed(error: Error | undefined): void {
    this.#stop();
    this.handlers.onFlowClosed?.(this, this.#failure ?? error);
  }

  #stream(): (bytes: Uint8Array) => void {
    const framer = new StreamFramer(
      {},
      {
        onMessage: (bytes) => {
          this.channel.unfinished(0);
          this.#receiveMessage(bytes);
        },
        onKeepAlive: (kind) => this.#receiveKeepAlive(kind),
        onError: (error) => {
          // The start of the next message is unknown (RFC 3261 §18.3).
          reportMalformed(error, this, this.handlers);
          this.#failure = error;
          this.close();
        },
      },
    );
    return (bytes) => {
      framer.push(bytes);
      this.channel.unfinished(framer.held);
      this.#answerPings();
    };
  }

  #receiveFrame(bytes: Uint8Array): void {
    if (isLineBreaks(bytes)) this.#receiveKeepAlive(bytes.length >= PING.length ? 'ping' : 'pong');
    else this.#receiveMessage(bytes);
    this.#answerPings();
  }

  #receiveMessage(bytes: Uint8Array): void {
    // The handler of the previous message may have closed the flow.
    if (!this.#closed && receiveMessage(bytes, this, this.handlers)) this.#firstMessage.clear();
  }

  #receiveKeepAlive(kind: 'ping' | 'pong'): void {
    if (kind === 'pong') this.#keepAlive?.pong();
    else if (!this.#keepAlive) this.#pings++;
  }

  /** One write for all pings that arrived together: a flood of them costs no more than its bytes. */
  #answerPings(): void {
    if (this.#pings === 0) return;
    const pongs = new Uint8Array(this.#pings * PONG.length);
    for (let at = 0; at < pongs.length; at += PONG.length) pongs.set(PONG, at);
    this.#pings = 0;
    this.#write(pongs);
  }

  #write(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#transmit(bytes);
    } catch (error) {
      // The connection closed during the write; `onclose` follows.
      if (!(error instanceof TransportError)) throw error;
    }
  }

  #transmit(bytes: Uint8Array): void {
    try {
      this.channel.send(bytes);
    } catch (error) {
      // The channel has ended, or has reached its bound of unread bytes: `onclose` follows with the reason.
      if (error instanceof TransportError) this.#stop();
      throw error;
    }
  }
}

function isLineBreaks(bytes: Uint8Array): boolean {
  return (
    (bytes.length === PING.length || bytes.length === PONG.length) &&
    bytes.every((byte, at) => byte === PING[at])
  );
}
