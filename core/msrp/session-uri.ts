/** The URIs of our sessions. */

import { ConfigurationError } from '../errors.js';
import type { Address, ChannelProtocol } from '../platform/platform.js';
import { newSessionId } from './transaction-id.js';
import { MsrpUri } from './uri.js';

/** What MSRP runs over: TCP and TLS (RFC 4975), WebSocket (RFC 7977). */
export type MsrpProtocol = ChannelProtocol;

/**
 * The URI of a new session, for `a=path`.
 * @param address as peers see it.
 */
export function localMsrpUri(protocol: MsrpProtocol, { host, port }: Address): string {
  const uri = new MsrpUri({
    scheme: protocol === 'tls' || protocol === 'wss' ? 'msrps' : 'msrp',
    host: host.includes(':') ? `[${host}]` : host,
    port,
    sessionId: newSessionId(),
    // RFC 7977 4.1: `ws` for both, the scheme tells which.
    transport: protocol === 'ws' || protocol === 'wss' ? 'ws' : 'tcp',
  });
  return uri.toString();
}

/**
 * What tells a session from all others. Hosts and ports do not: behind a NAT or a border gateway they are not those
 * that the peer writes, and nobody guesses the identifier (RFC 4975 14.1).
 * @throws ConfigurationError where there is none.
 */
export function sessionIdOf(uri: string): string {
  const id = findSessionId(uri);
  if (id === undefined) throw new ConfigurationError(`${uri} is not the URI of an MSRP session`);
  return id;
}

/** Undefined where there is none. */
export function findSessionId(uri: string): string | undefined {
  return MsrpUri.parse(uri)?.sessionId;
}

/** RFC 4976 8: of a URI that names none. */
const DEFAULT_PORT = 2855;

/** Where the URI of a relay is reached. IPv6 without brackets. */
export function msrpAddressOf({ host, port = DEFAULT_PORT }: MsrpUri): Address {
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

/** RFC 4975 6, RFC 7977 4.1: the scheme and the transport of a URI say what it is reached by. */
export function msrpProtocolOf({ scheme, transport }: MsrpUri): MsrpProtocol {
  if (transport === 'ws') return scheme === 'msrps' ? 'wss' : 'ws';
  return scheme === 'msrps' ? 'tls' : 'tcp';
}
