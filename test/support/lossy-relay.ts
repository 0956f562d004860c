/** A UDP relay that drops datagrams in both directions, reproducibly for each seed. */

import { randomFrom } from './random.js';
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
    if (random() >= loss) return [bytes];
    counts.dropped++;
    return [];
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
