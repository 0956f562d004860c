/** Both ends of a connection that is in memory alone: in order, nothing lost, and a reader that pauses is waited for. */

// From the module, not the global: a test with a fake clock has a network that goes on.
import { setImmediate } from 'node:timers';
import { TransportError } from '../../core/errors.js';
import type { Address, Channel, ChannelProtocol } from '../../core/platform/sockets.js';

/** As a socket's: bytes that may still wait when its owner is told to send more. */
const LOW_WATER_BYTES = 65_536;

export class MemoryChannel implements Channel {
  readonly framed: boolean;
  ondata: Channel['ondata'] = () => {};
  ondrain: Channel['ondrain'] = () => {};
  onclose: Channel['onclose'] = () => {};
  /** Not yet given to our owner. */
  private readonly arriving: Uint8Array[] = [];
  private waiting = 0;
  #paused = false;
  #scheduled = false;
  /** The peer has closed: when all that came before was given, this end is over too. */
  private lastWord = false;
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
    return this.#peer?.waiting ?? 0;
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
      peer.waiting += piece.length;
    }
    peer.schedule();
  }

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
      this.#peer.lastWord = true;
      this.#peer.schedule();
    }
  }

  destroy(): void {
    this.end();
    this.#peer?.end(new TransportError('the peer has reset the connection'));
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
    let given = false;
    while (!this.#paused && !this.ended) {
      const piece = this.arriving.shift();
      if (!piece) break;
      this.waiting -= piece.length;
      given = true;
      this.ondata(piece);
    }
    const peer = this.#peer;
    if (given && peer && !peer.ended && this.waiting <= LOW_WATER_BYTES) peer.ondrain();
    if (!this.lastWord || this.#paused || this.arriving.length > 0) return;
    this.end();
    peer?.end();
  }

  /** Told later, as a socket does: whoever ends it is in the middle of something. */
  private end(error?: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.arriving.length = 0;
    this.waiting = 0;
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
