/** A connection in memory: ordered, lossless, with flow control. */

// Imported from the module, so that fake timers of a test runner do not stop the network.
import { setImmediate } from 'node:timers';
import { TransportError } from '../../core/errors.js';
import type { Address, Channel, ChannelProtocol } from '../../core/platform/sockets.js';

/** Unread bytes below which `ondrain` is called, like the low-water mark of a socket. */
const LOW_WATER_BYTES = 65_536;

export class MemoryChannel implements Channel {
  readonly framed: boolean;
  ondata: Channel['ondata'] = () => {};
  ondrain: Channel['ondrain'] = () => {};
  onclose: Channel['onclose'] = () => {};
  /** Data not yet passed to the owner. */
  private readonly arriving: Uint8Array[] = [];
  private unread = 0;
  #paused = false;
  #scheduled = false;
  /** The peer has closed; this end closes after it has delivered the remaining data. */
  private peerClosed = false;
  #closing = false;
  private ended = false;
  #peer: MemoryChannel | undefined;

  private constructor(
    readonly protocol: ChannelProtocol,
    readonly local: Address,
    readonly remote: Address,
  ) {
    this.framed = protocol === 'ws' || protocol === 'wss';
  }

  static pair(protocol: ChannelProtocol, from: Address, to: Address): [MemoryChannel, MemoryChannel] {
    const near = new MemoryChannel(protocol, from, to);
    const far = new MemoryChannel(protocol, to, from);
    near.#peer = far;
    far.#peer = near;
    return [near, far];
  }

  get buffered(): number {
    return this.#peer?.unread ?? 0;
  }

  get over(): boolean {
    return this.ended;
  }

  send(...parts: Uint8Array[]): void {
    const peer = this.#peer;
    if (!peer || this.#closing || this.ended) {
      throw new TransportError(`the connection to ${this.remote.host}:${this.remote.port} is closed`);
    }
    const pieces = this.framed ? [joined(parts)] : parts;
    for (const piece of pieces) {
      peer.arriving.push(piece);
      peer.unread += piece.length;
    }
    peer.schedule();
  }

  /** The peer is in the same process. */
  unfinished(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.schedule();
  }

  close(): void {
    if (this.#closing || this.ended) return;
    this.#closing = true;
    this.resume();
    if (this.#peer) {
      this.#peer.peerClosed = true;
      this.#peer.schedule();
    }
  }

  destroy(): void {
    this.end();
    this.#peer?.end(new TransportError('the peer reset the connection'));
  }

  private schedule(): void {
    if (this.#scheduled || this.#paused || this.ended) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    let delivered = false;
    while (!this.#paused && !this.ended) {
      const piece = this.arriving.shift();
      if (!piece) break;
      this.unread -= piece.length;
      delivered = true;
      this.ondata(piece);
    }
    const peer = this.#peer;
    if (delivered && peer && !peer.ended && this.unread <= LOW_WATER_BYTES) peer.ondrain();
    if (!this.peerClosed || this.#paused || this.arriving.length > 0) return;
    this.end();
    peer?.end();
  }

  /** Calls `onclose` in a later turn, like a socket, because the caller may still be working. */
  private end(error?: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.arriving.length = 0;
    this.unread = 0;
    setImmediate(() => this.onclose(error));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
