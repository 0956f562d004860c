/** Limits of connections, and the text of an address in errors. */

import type { Address } from './sockets.js';

/** Enough for a SYN, a TLS handshake and an HTTP upgrade on a bad mobile network, before another server is tried. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Buffered bytes at which the owner is asked for more, so that the network does not idle. */
export const LOW_WATER_BYTES = 65_536;

/** Most bytes that are buffered for a peer that does not read; beyond it, the connection is closed. */
export const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/** Memory of a buffered write in bytes, in addition to its bytes: the bound for many small ones. */
export const WRITE_COST = 512;

export const UNREAD = `the peer has not read ${MAX_UNSENT_BYTES} bytes that were sent to it`;

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
