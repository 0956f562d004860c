/** A UDP relay between clients and a server on 127.0.0.1 that can change, drop or double datagrams. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface UdpRelay {
  /** Clients send here, on 127.0.0.1. */
  readonly port: number;
  close(): void;
}

/** Returns the datagrams to forward: none, this one, or several. */
export type DatagramFilter = (
  bytes: Uint8Array,
  direction: 'to server' | 'to client',
) => readonly Uint8Array[];

/**
 * Each client has its own port towards the server, so that responses return by the source port (RFC 3581).
 */
export async function startUdpRelay(serverPort: number, pass: DatagramFilter): Promise<UdpRelay> {
  const clientSocket = await bind();
  const serverSockets = new Map<number, Promise<Socket>>();

  const openServerSocket = async (clientPort: number): Promise<Socket> => {
    const back = await bind();
    back.on('message', (bytes) => {
      for (const passed of pass(bytes, 'to client')) clientSocket.send(passed, clientPort, '127.0.0.1');
    });
    return back;
  };
  clientSocket.on('message', async (bytes, { port }) => {
    const passed = pass(bytes, 'to server');
    if (passed.length === 0) return;
    let back = serverSockets.get(port);
    if (!back) {
      back = openServerSocket(port);
      serverSockets.set(port, back);
    }
    const socket = await back;
    for (const each of passed) socket.send(each, serverPort, '127.0.0.1');
  });

  return {
    port: clientSocket.address().port,
    close() {
      clientSocket.close();
      for (const back of serverSockets.values()) void back.then((socket) => socket.close());
    },
  };
}

async function bind(): Promise<Socket> {
  const socket = createSocket('udp4');
  // A datagram to a closed port is lost.
  socket.on('error', () => undefined);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
