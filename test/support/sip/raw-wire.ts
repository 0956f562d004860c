/** Transports of a raw SIP peer: a UDP socket, or a connection to a server. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';

export interface RawWire {
  readonly transport: 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS';
  /** Port of this end. */
  readonly port: number;
  /** `port` is only used for UDP. */
  send(bytes: Buffer, port: number): void;
  close(): void;
}

/** `port` is the source port of the message. */
export type OnMessage = (bytes: Buffer, port: number) => void;

export async function openUdp(onMessage: OnMessage): Promise<RawWire> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { port }) => onMessage(bytes, port));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    transport: 'UDP',
    port: socket.address().port,
    send: (bytes, port) => socket.send(bytes, port, '127.0.0.1'),
    close: () => socket.close(),
  };
}

/** Opens a TCP connection, or TLS with `tls`. */
export async function openStream(
  port: number,
  onMessage: OnMessage,
  tls?: ConnectionOptions,
): Promise<RawWire> {
  const socket = tls
    ? connectTls({ ...tls, port, host: '127.0.0.1' })
    : connectTcp({ port, host: '127.0.0.1' });
  await once(socket, tls ? 'secureConnect' : 'connect');
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let length = messageLength(rest); length !== undefined; length = messageLength(rest)) {
      onMessage(rest.subarray(0, length), port);
      rest = rest.subarray(length);
    }
  });
  return {
    transport: tls ? 'TLS' : 'TCP',
    port: socket.localPort ?? 0,
    send: (bytes) => void socket.write(bytes),
    close: () => socket.destroy(),
  };
}

/** `url` begins with ws: or wss:. */
export async function openWebSocket(
  url: string,
  onMessage: OnMessage,
  tls?: ConnectionOptions,
): Promise<RawWire> {
  const socket = new WebSocket(url, 'sip', tls);
  socket.binaryType = 'nodebuffer';
  const port = Number(new URL(url).port);
  socket.on('message', (data) => {
    if (Buffer.isBuffer(data)) onMessage(data, port);
  });
  await once(socket, 'open');
  return {
    transport: url.startsWith('wss') ? 'WSS' : 'WS',
    port,
    send: (bytes) => socket.send(bytes),
    close: () => socket.terminate(),
  };
}

/** Length of the first message in a stream; undefined if it is incomplete. */
function messageLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = /^Content-Length:\s*(\d+)/im.exec(bytes.toString('latin1', 0, end))?.[1];
  const whole = end + 4 + Number(length ?? 0);
  return bytes.length < whole ? undefined : whole;
}
