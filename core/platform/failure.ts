/** Limits of connections, and the text of an address in errors. */

import type { Address } from './sockets.js';

/** Enough for a SYN, a TLS handshake and an HTTP upgrade on a bad mobile network, before another server is tried. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Buffered bytes at which the owner is asked for more, so that the network does not idle. */
export const LOW_WATER_BYTES = 65_536;

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
