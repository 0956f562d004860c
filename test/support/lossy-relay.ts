/** A UDP relay that loses datagrams, both ways, the same ones each time for the same seed. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface LossyRelay {
  /** Clients send here, on 127.0.0.1. */
  readonly port: number;
  /** Datagrams that came in and those of them that were dropped. */
  readonly received: number;
  readonly dropped: number;
  close(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Between clients and a server on 127.0.0.1:`serverPort`. Each client reaches the server from a port of its own, so
 * that answers find their way by the source port (RFC 3581).
 *
 * @param loss fraction of datagrams that are dropped, 0.1 for one in ten
 */
export async function startLossyRelay(serverPort: number, loss: number, seed = 1): Promise<LossyRelay> {
  const random = randomFrom(seed);
  const counts = { received: 0, dropped: 0 };
  const front = await bind();
  const backs = new Map<number, Promise<Socket>>();

  const passes = (): boolean => {
    counts.received++;
    if (random() >= loss) return true;
    counts.dropped++;
    return false;
  };
  const openBack = async (clientPort: number): Promise<Socket> => {
    const back = await bind();
    back.on('message', (bytes) => {
      if (passes()) front.send(bytes, clientPort, '127.0.0.1');
    });
    return back;
  };
  front.on('message', async (bytes, { port }) => {
    if (!passes()) return;
    let back = backs.get(port);
    if (!back) {
      back = openBack(port);
      backs.set(port, back);
    }
    (await back).send(bytes, serverPort, '127.0.0.1');
  });

  const close = () => {
    front.close();
    for (const back of backs.values()) void back.then((socket) => socket.close());
  };
  return {
    port: front.address().port,
    get received() {
      return counts.received;
    },
    get dropped() {
      return counts.dropped;
    },
    close,
    [Symbol.asyncDispose]: async () => close(),
  };
}

async function bind(): Promise<Socket> {
  const socket = createSocket('udp4');
  // A peer that has gone is one more way to lose a datagram.
  socket.on('error', () => undefined);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Mulberry32: small, even enough for losses. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
