/** UDP sockets over node:dgram. */

import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { addressText } from '../failure.js';
import type { Platform } from '../platform.js';
import type { Address, DatagramSocket } from '../sockets.js';
import { errorCode } from './failure.js';

/**
 * Enough to buffer 1000 requests of 1300 bytes in the kernel while JavaScript is busy; the default of Linux, 208 KiB,
 * holds about 100. The kernel silently reduces the value to its maximum.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Datagrams that the kernel has not accepted, in bytes: further ones are lost, as UDP allows. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** ICMP errors, which Linux reports on a connected socket, and the loss of the local address. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
]);

export const openDatagram: Platform['openDatagram'] = async ({ local, remote }) => {
  const host = remote?.host ?? local?.host ?? '0.0.0.0';
  const address = isIP(host) === 0 ? await resolve(host) : host;
  const socket = dgram.createSocket({
    type: isIPv6(address) ? 'udp6' : 'udp4',
    // Lets [::] and 0.0.0.0 share a port, and avoids addresses such as ::ffff:192.0.2.1.
    ipv6Only: isIPv6(address),
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  try {
    await bind(socket, remote === undefined ? { host: address, port: local?.port ?? 0 } : local);
    if (remote !== undefined) await connect(socket, { host: address, port: remote.port });
  } catch (error) {
    socket.close();
    const what =
      remote === undefined
        ? `bind ${addressText(local ?? { host, port: 0 })}`
        : `reach ${addressText(remote)}`;
    throw new TransportError(`cannot ${what} over udp: ${reasonOf(error)}`, { cause: error });
  }
  return new NodeDatagramSocket(socket, remote && { host: address, port: remote.port });
};

async function resolve(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new TransportError(`the name ${host} does not resolve: ${reasonOf(error)}`, { cause: error });
  }
}

function bind(socket: dgram.Socket, at: Address | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ port: at?.port ?? 0, address: at?.host }, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}

function connect(socket: dgram.Socket, to: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    // Node.js passes the error to this callback, although its type lacks the parameter.
    socket.connect(to.port, to.host, (error?: Error) => (error ? reject(error) : resolve()));
  });
}

class NodeDatagramSocket implements DatagramSocket {
  readonly local: Address;
  onmessage: DatagramSocket['onmessage'] = () => {};
  onerror: DatagramSocket['onerror'] = () => {};
  #closed = false;
  readonly #afterSend = (error: Error | null) => {
    if (error) this.#report(error);
  };

  constructor(
    private readonly socket: dgram.Socket,
    readonly remote: Address | undefined,
  ) {
    const { address, port } = socket.address();
    this.local = { host: address, port };
    socket.on('message', (bytes, from) => this.onmessage(bytes, { host: from.address, port: from.port }));
    socket.on('error', (error) => this.#report(error));
  }

  send(bytes: Uint8Array, to?: Address): void {
    if (this.#closed) throw new TransportError('the datagram socket is closed');
    if (this.socket.getSendQueueSize() > MAX_UNSENT_BYTES) return;
    if (this.remote) this.socket.send(bytes, this.#afterSend);
    else if (to) this.socket.send(bytes, to.port, to.host, this.#afterSend);
    else throw new TransportError('a datagram needs an address: the socket is not connected');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
  }

  #report(error: Error): void {
    if (!this.#closed && UNREACHABLE.has(errorCode(error) ?? '')) this.onerror(error);
  }
}
