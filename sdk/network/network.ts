/** The embedded SIP/IP core over real sockets. */

import '#platform/complete';
import { listen, type SipListener } from '../../core/sip/transport/listener.js';
import { hostPort, parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { NetworkCore } from './core.js';
import type { RegistrationInfo } from './events/network-events.js';
import { checkListeners, type NetworkOptions } from './options.js';

/** A line for the operator: the network is not a core for production. */
export const NETWORK_NOTICE =
  'This is an embedded SIP/IP core for demos, development and tests, not for production.';

const DEFAULT_LISTEN = ['sip:127.0.0.1:0;transport=udp', 'sip:127.0.0.1:0;transport=tcp'];

/** A running embedded SIP/IP core. */
export interface Network {
  /** URIs of the listeners with their ports, in the order of `listen`. */
  readonly uris: readonly string[];
  /** Domain of the users. */
  readonly domain: string;
  /** A line for the operator: this is not a core for production. */
  readonly notice: string;
  /** The registered contacts. */
  registrations(): RegistrationInfo[];
  /** Closes connections and listeners. */
  close(): Promise<void>;
}

/**
 * Starts an embedded SIP/IP core.
 * @throws ConfigurationError for an invalid option, TransportError if a port is not available.
 */
export async function startNetwork(options: NetworkOptions = {}): Promise<Network> {
  const { listen: uris = DEFAULT_LISTEN, tls, sockets, users, limits } = options;
  checkListeners(uris, users);
  const core = new NetworkCore(options);
  const listeners: SipListener[] = [];
  const close = async () => {
    await core.close();
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    for (const uri of uris) {
      const options = { ...core.handlers, tls, sockets, limits };
      const sibling = portOfSibling(uri, listeners);
      const listener = sibling
        ? await listen(sibling, options).catch(() => listen(uri, options))
        : await listen(uri, options);
      listeners.push(listener);
      core.addListener(listener);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    uris: listeners.map(({ uri }) => uri),
    domain: core.domain,
    notice: NETWORK_NOTICE,
    registrations: () => core.registrations(),
    close,
  };
}

/**
 * RFC 3261 §18.1.1: a request that is too large for UDP is sent over TCP to the same server, so a free port is the same for
 * both if possible.
 * @returns `uri` with the port of its sibling; undefined if it has none, or names a port.
 */
function portOfSibling(uri: string, listeners: readonly SipListener[]): string | undefined {
  const { transport, host, port } = parseEndpoint(uri);
  const other = { UDP: 'TCP', TCP: 'UDP' }[String(transport)];
  if (port !== 0 || other === undefined) return undefined;
  const sibling = listeners
    .map((listener) => parseEndpoint(listener.uri))
    .find((endpoint) => endpoint.transport === other && endpoint.host === host);
  return sibling && `sip:${hostPort(host, sibling.port)};transport=${transport.toLowerCase()}`;
}
