/** Flows on a UDP socket: of a listener to many peers, or of a client to its server. */

import { TransportError } from '../../errors.js';
import type { Address, DatagramSocket } from '../../platform/sockets.js';
import { type FlowHandlers, KeepAlive, PING, receiveMessage, type SipFlow } from './flow.js';

/** Largest payload of a datagram: 65,535 less the headers of IPv4 and UDP. */
export const MAX_DATAGRAM_BYTES = 65_507;

const LINE_FEED = 0x0a;
const SPACE = 0x20;

class UdpFlow implements SipFlow {
  readonly transport = 'UDP';
  readonly reliable = false;

  constructor(
    private readonly port: UdpPort,
    readonly remote: Address,
  ) {}

  get local(): Address {
    return this.port.local;
  }

  get closed(): boolean {
    return this.port.closed;
  }

  send(bytes: Uint8Array): void {
    this.port.send(bytes, this);
  }

  to(address: Address): SipFlow {
    return new UdpFlow(this.port, address);
  }

  /** The socket belongs to the listener and stays open. */
  close(): void {}
}

/** A socket that receives datagrams from any peer. */
export class UdpPort {
  #closed = false;

  constructor(
    private readonly socket: DatagramSocket,
    private readonly handlers: FlowHandlers,
    /** The handlers for a datagram; undefined drops it. */
    handlersFor: (from: Address) => FlowHandlers | undefined = () => handlers,
  ) {
    socket.onmessage = (bytes, from) => {
      if (this.#closed || !isMessage(bytes)) return;
      const receivers = handlersFor(from);
      if (receivers) receiveMessage(bytes, this.flowTo(from), receivers);
    };
  }

  get local(): Address {
    return this.socket.local;
  }

  get closed(): boolean {
    return this.#closed;
  }

  flowTo(address: Address): SipFlow & { close(): void } {
    return new UdpFlow(this, address);
  }

  send(bytes: Uint8Array, flow: SipFlow): void {
    checkSize(bytes);
    this.handlers.onWire?.('out', bytes, flow);
    this.socket.send(bytes, flow.remote);
  }

  close(): void {
    this.#closed = true;
    this.socket.close();
  }
}

/** A socket connected to one server. No other peer can reach it, so only the server asserts identities. */
export class UdpClientFlow implements SipFlow {
  readonly transport = 'UDP';
  readonly reliable = false;
  readonly #keepAlive: KeepAlive;
  #closed = false;

  constructor(
    private readonly socket: DatagramSocket,
    readonly remote: Address,
    private readonly handlers: FlowHandlers,
  ) {
    socket.onmessage = (bytes) => {
      if (!this.#closed && isMessage(bytes)) receiveMessage(bytes, this, handlers);
    };
    // RFC 3261 §18.4: nothing listens there, so waiting transactions fail before their timers do.
    socket.onerror = (error) =>
      this.#close(new TransportError(`the server cannot be reached: ${error.message}`, { cause: error }));
    // Keeps the bindings of NATs open. Pings over UDP have no answer.
    this.#keepAlive = new KeepAlive(
      () => this.socket.send(PING),
      () => {},
    );
  }

  get local(): Address {
    return this.socket.local;
  }

  get closed(): boolean {
    return this.#closed;
  }

  keepAliveWithin(seconds: number): void {
    if (!this.#closed) this.#keepAlive.within(seconds);
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) throw new TransportError('the UDP socket is closed');
    checkSize(bytes);
    this.handlers.onWire?.('out', bytes, this);
    this.socket.send(bytes);
  }

  close(): void {
    this.#close();
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#keepAlive.stop();
    this.socket.close();
    // Later, as for a connection: the caller of `close` does not expect the event before it returns.
    queueMicrotask(() => this.handlers.onFlowClosed?.(this, error));
  }
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_DATAGRAM_BYTES) {
    throw new TransportError(
      `a message of ${bytes.length} bytes is too large for UDP: expected at most ${MAX_DATAGRAM_BYTES}`,
    );
  }
}

/** Line breaks and blanks keep NAT bindings open, and STUN starts with 0 or 1: neither is SIP, and neither is an error. */
function isMessage(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >= LINE_FEED && bytes.some((byte) => byte > SPACE);
}
