/** Peers of an MSRP listener that do not read the answers they cause, or do not finish their frames. */

import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MsrpListener } from '../../core/msrp/connections/listener.js';
import type { MsrpLimits } from '../../core/msrp/frames/limits.js';

const KIB = 1024;
const AT = { host: '127.0.0.1', port: 0 };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened(limits: Partial<MsrpLimits>, protocol: 'tcp' | 'ws' = 'tcp'): Promise<number> {
  const listener = await MsrpListener.open({ protocol, at: AT, limits });
  closing.push(() => listener.close());
  return listener.address.port;
}

async function peer(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  closing.push(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const send = (id: string) =>
  `MSRP ${id} SEND\r\nTo-Path: msrp://127.0.0.1:1/none;tcp\r\nFrom-Path: msrp://127.0.0.1:2/x;tcp\r\nMessage-ID: ${id}\r\n-------${id}$\r\n`;
const REQUESTS = Buffer.from(Array.from({ length: 500 }, (_, at) => send(`id${10_000 + at}`)).join(''));

it('stops reading from a peer that does not read its answers, and closes the connection', async () => {
  const port = await opened({ transactionTimeout: 500 });
  const socket = await peer(port);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.pause();
  let sent = 0;
  while (!socket.destroyed && socket.writable) {
    const written = new Promise<void>((resolve) => socket.write(REQUESTS, () => resolve()));
    await Promise.race([written, closed]);
    sent += REQUESTS.length;
  }
  await closed;
  // A response has about the bytes of its request: 1 MiB is unsent, and the kernel buffers some megabytes on both sides.
  expect(sent).toBeLessThan(64 * KIB * KIB);
});

it('closes a connection whose frame is not finished in time', async () => {
  const port = await opened({ messageTimeout: 50, unboundTimeout: 60_000 });
  const socket = await peer(port);
  socket.resume();
  // A whole frame, and a part of the next one.
  socket.write(send('id10001') + send('id10002').slice(0, 60));
  await new Promise((resolve) => socket.once('close', resolve));
});

it('holds no more unfinished frames than its bound', async () => {
  const port = await opened({ heldBytes: 64 * KIB, heldBytesPerAddress: 64 * KIB });
  const head = `${send('id10001').slice(0, 60)}\r\nX-Long: ${'x'.repeat(10 * KIB)}`;
  let closed = 0;
  const sockets = await Promise.all(Array.from({ length: 50 }, () => peer(port)));
  const enough = new Promise<void>((resolve) => {
    for (const socket of sockets) {
      socket.resume();
      socket.once('close', () => ++closed >= 43 && resolve());
    }
  });
  for (const socket of sockets) socket.write(head);
  await enough;
});

it('holds no more of WebSocket messages in fragments than its bound', async () => {
  const port = await opened({ heldBytesPerAddress: 64 * KIB }, 'ws');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'msrp');
  closing.push(() => socket.terminate());
  socket.on('error', () => {});
  await once(socket, 'open');
  while (socket.readyState === WebSocket.OPEN) {
    await new Promise<void>((resolve) => socket.send(Buffer.alloc(KIB), { fin: false }, () => resolve()));
  }
});
