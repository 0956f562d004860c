/** A TCP proxy to a port on 127.0.0.1 that can change what it forwards and reset its connections. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  /** Clients connect here, on 127.0.0.1. */
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Returns the bytes to forward; undefined resets the connection. */
export type StreamFilter = (
  bytes: Uint8Array,
  direction: 'to server' | 'to client',
) => Uint8Array | undefined;

export async function startTcpProxy(serverPort: number, pass: StreamFilter): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const back = connect({ port: serverPort, host: '127.0.0.1', noDelay: true });
    forward(client, back, 'to server');
    forward(back, client, 'to client');
  });

  function forward(from: Socket, to: Socket, direction: 'to server' | 'to client'): void {
    sockets.add(from);
    from.on('data', (bytes) => {
      const passed = pass(bytes, direction);
      if (passed === undefined) {
        from.resetAndDestroy();
        to.resetAndDestroy();
      } else if (!to.write(passed)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => to.end());
    // The reset of a connection, and a server that is not running.
    from.on('error', () => to.resetAndDestroy());
    from.once('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
