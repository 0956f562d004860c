/** Addresses of this machine, and addresses of trusted peers. */

import { networkInterfaces } from 'node:os';
import { ConfigurationError } from '../../core/errors.js';
import type { SipFlow, SipTransport } from '../../core/sip/transport/flow.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SipUri } from '../../core/sip/values/uri.js';

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3}|localhost)$/i;

/** Brackets around an IPv6 address are optional. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.replace(/^\[(.*)\]$/, '$1'));
}

/** The address of this machine for a peer, if the listener is bound to all interfaces. */
export function reachableHost(peer: string): string {
  if (isLoopback(peer)) return peer.includes(':') ? '::1' : '127.0.0.1';
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  // The peer itself may be on this machine.
  if (own.some(({ address }) => address === peer)) return peer;
  const family = peer.includes(':') ? 'IPv6' : 'IPv4';
  return own.find((address) => !address.internal && address.family === family)?.address ?? peer;
}

/** A configured peer: a host, optionally with a port and a transport. */
export interface PeerAddress {
  readonly host: string;
  readonly port?: number;
  readonly transport?: SipTransport;
}

/**
 * Parses `192.0.2.1`, `192.0.2.1:5080`, `[2001:db8::1]:5080` or `sip:192.0.2.1:5080;transport=udp`. Domain names
 * are rejected, because their addresses can change.
 */
export function parsePeer(text: string): PeerAddress {
  const uri = SipUri.parse(/^sips?:/i.test(text) ? text : `sip:${bracketed(text)}`);
  const host = uri?.host.replace(/^\[(.*)\]$/, '$1') ?? '';
  if (!uri || uri.user !== undefined || !(host.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host))) {
    throw new ConfigurationError(
      `invalid peer ${JSON.stringify(text)}: expected an IP address, optionally with a port, e.g. 192.0.2.1:5080`,
    );
  }
  return {
    host,
    port: uri.port,
    transport: uri.parameters.has('transport') ? parseEndpoint(uri.toString()).transport : undefined,
  };
}

function bracketed(text: string): string {
  return text.split(':').length > 2 && !text.startsWith('[') ? `[${text}]` : text;
}

export function isPeer({ transport, remote }: SipFlow, peer: PeerAddress): boolean {
  return (
    remote.host === peer.host &&
    (peer.port === undefined || peer.port === remote.port) &&
    (peer.transport === undefined || peer.transport === transport)
  );
}
