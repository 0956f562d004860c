/**
 * A TCP proxy for the media of a sender that counts bytes, stops forwarding and breaks connections. A UDP relay between
 * the sender and the core replaces the sender's port in offers with the port of the proxy.
 */

import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../programs/ports.js';
import { startUdpRelay, type UdpRelay } from '../udp-relay.js';

export class MediaDetour {
  /** Bytes forwarded from the sender on each connection. */
  readonly forwarded: number[] = [];
  /** Called with each connection before it forwards anything. */
  onConnection: () => Promise<void> | void = () => {};
  readonly #sockets = new Set<Socket>();
  readonly #held = new Set<Socket>();
  #limit = Number.POSITIVE_INFINITY;
  #onLimit = () => {};

  private constructor(
    private readonly mediaPort: number,
    private readonly relay: UdpRelay,
    private readonly closeProxy: () => void,
  ) {}

  /** @param corePort UDP port of the core. @param mediaPort media port of the sender, with five digits. */
  static async start(corePort: number, mediaPort: number): Promise<MediaDetour> {
    const port = await freePort();
    const server = createServer({ pauseOnConnect: true }, (device) => void detour.#connected(device));
    const relay = await startUdpRelay(corePort, (bytes, direction) => [
      direction === 'to server' ? withPort(bytes, mediaPort, port) : bytes,
    ]);
    const detour = new MediaDetour(mediaPort, relay, () => server.close());
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return detour;
  }

  /** Server URI for the sender. */
  get server(): string {
    return `sip:127.0.0.1:${this.relay.port};transport=udp`;
  }

  get carriedTotal(): number {
    return this.forwarded.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Resolves when this number of bytes was forwarded on all connections, and stops forwarding. */
  async pauseAfter(after: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#limit = after;
      this.#onLimit = resolve;
    });
  }

  release(): void {
    this.#limit = Number.POSITIVE_INFINITY;
    for (const socket of this.#held) socket.resume();
    this.#held.clear();
  }

  /** Breaks all connections. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnect();
    this.closeProxy();
    this.relay.close();
  }

  async #connected(device: Socket): Promise<void> {
    const index = this.forwarded.push(0) - 1;
    const sender = connect({ port: this.mediaPort, host: '127.0.0.1', noDelay: true });
    sender.pause();
    for (const [socket, other] of [
      [device, sender],
      [sender, device],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#held.delete(socket);
        other.destroy();
      });
    }
    await this.onConnection();
    device.on('data', (bytes) => sender.write(bytes));
    device.on('end', () => sender.end());
    sender.on('data', (bytes) => {
      this.forwarded[index] = (this.forwarded[index] ?? 0) + bytes.length;
      if (!device.write(bytes)) {
        sender.pause();
        device.once('drain', () => this.#held.has(sender) || sender.resume());
      }
      if (this.carriedTotal >= this.#limit) this.#hold(sender);
    });
    sender.on('end', () => device.end());
    device.resume();
    sender.resume();
  }

  #hold(sender: Socket): void {
    sender.pause();
    this.#held.add(sender);
    this.#onLimit();
  }
}

/** Replaces the port in the body with one of the same length, so that Content-Length stays correct. */
export function withPort(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const body = text.indexOf('\r\n\r\n');
  if (body < 0) return bytes;
  return Buffer.from(text.slice(0, body) + text.slice(body).replaceAll(`${from}`, `${to}`), 'latin1');
}
