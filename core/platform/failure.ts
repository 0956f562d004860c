/** Words for what went wrong on a connection, and the bounds of connections. */

import type { Address } from './sockets.js';

/** A SYN, a TLS handshake and an HTTP upgrade on a bad mobile network; past it another server is the better bet. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Bytes that may still wait when the owner is told to send more: they keep the network busy until it does. */
export const LOW_WATER_BYTES = 65_536;

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
