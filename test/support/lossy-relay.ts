/** A UDP relay that drops datagrams in both directions, reproducibly for each seed. */

import { startUdpRelay } from './udp-relay.js';

export interface LossyRelay {
  /** Clients send here, on 127.0.0.1. */
  readonly port: number;
  /** Numbers of received and dropped datagrams. */
  readonly received: number;
  readonly dropped: number;
  close(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a relay between clients and a server on 127.0.0.1:`serverPort`.
 *
 * @param loss fraction of datagrams that are dropped, 0.1 for one in ten
 */
export async function startLossyRelay(serverPort: number, loss: number, seed = 1): Promise<LossyRelay> {
  const random = randomFrom(seed);
  const counts = { received: 0, dropped: 0 };
  const { port, close } = await startUdpRelay(serverPort, (bytes) => {
    counts.received++;
    if (random() >= loss) return bytes;
    counts.dropped++;
    return undefined;
  });
  return {
    port,
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

/** Mulberry32: small, and uniform enough for this purpose. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
