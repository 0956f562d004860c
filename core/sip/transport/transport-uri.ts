/** URIs of servers and listeners: `sip:127.0.0.1:5060;transport=tcp`. */

import { ConfigurationError } from '../../errors.js';
import type { Address } from '../../platform/sockets.js';
import { SipUri } from '../values/uri.js';
import type { SipTransport } from './flow.js';

const TRANSPORTS: Readonly<Record<string, SipTransport>> = {
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS',
  ws: 'WS',
  wss: 'WSS',
};
/** RFC 3261 §19.1.2, RFC 7118 §10.2. */
const DEFAULT_PORTS: Readonly<Record<SipTransport, number>> = {
  UDP: 5060,
  TCP: 5060,
  TLS: 5061,
  WS: 80,
  WSS: 443,
};

/** RFC 5630 §3.1.3, RFC 7118 §5.2: of a `sips` URI, the transport below TLS. */
const SECURED: Readonly<Record<SipTransport, SipTransport>> = {
  UDP: 'UDP',
  TCP: 'TLS',
  TLS: 'TLS',
  WS: 'WSS',
  WSS: 'WSS',
};

export function isSecureTransport(transport: SipTransport): boolean {
  return transport === 'TLS' || transport === 'WSS';
}

export interface Endpoint extends Address {
  transport: SipTransport;
}

/** @throws ConfigurationError naming the URI and what was expected. */
export function parseEndpoint(uri: string): Endpoint {
  const parsed = SipUri.parse(uri);
  if (!parsed) {
    throw new ConfigurationError(
      `invalid URI ${JSON.stringify(uri)}: expected a SIP URI, e.g. sip:127.0.0.1:5060;transport=udp`,
    );
  }
  const name =
    parsed.parameters.get('transport')?.toLowerCase() ?? (parsed.scheme === 'sips' ? 'tls' : 'udp');
  const transport = TRANSPORTS[name];
  if (!transport) {
    throw new ConfigurationError(
      `invalid transport ${JSON.stringify(name)} in ${uri}: expected ${Object.keys(TRANSPORTS).join(', ')}`,
    );
  }
  if (parsed.scheme === 'sips' && transport === 'UDP') {
    throw new ConfigurationError(
      `invalid transport "udp" in ${uri}: expected tcp, ws, or none, because sips is TLS`,
    );
  }
  return {
    transport: parsed.scheme === 'sips' ? SECURED[transport] : transport,
    // A URI has brackets around an IPv6 address, a socket address does not.
    host: parsed.host.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port ?? DEFAULT_PORTS[parsed.scheme === 'sips' ? SECURED[transport] : transport],
  };
}

export function transportOf(uri: string): SipTransport {
  return parseEndpoint(uri).transport;
}

/** `host:port` of a URI or a Via, with brackets around an IPv6 address. */
export function hostPort(host: string, port?: number): string {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
}
