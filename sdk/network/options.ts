/** How a network is set up. */

import { ConfigurationError } from '../../core/errors.js';
import type { Sockets, TlsOptions } from '../../core/platform/platform.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { hostPort, parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { isLoopback, type PeerAddress, parsePeer } from './addresses.js';
import type { NetworkEvent } from './events/network-events.js';
import { serviceKey } from './proxy/router.js';
import type { Users } from './registrar/accounts.js';

/** Where the embedded network listens, for which domain and users. */
export interface NetworkOptions {
  /** `sip:127.0.0.1:5060;transport=udp`, or tcp, tls, ws, wss; port 0 for any. UDP and TCP on loopback when absent. */
  listen?: readonly string[];
  /** `domain.test` when absent. */
  domain?: string;
  /**
   * Who may register, by user name. Absent: everybody, without a password, as any name of the domain; that is allowed
   * only where every listener is on loopback.
   */
  users?: Users;
  /**
   * Addresses whose own P-Asserted-Identity is believed: `192.0.2.1` or, for one port, `192.0.2.1:5080`. On a machine
   * where devices run too, name the port.
   */
  trustedPeers?: readonly string[];
  /**
   * Application servers by public service identity: `{ 'sip:psa@domain.test': 'sip:127.0.0.1:5080;transport=udp' }`.
   * Requests to the identity go to that address, and what comes from it is believed like a trusted peer.
   */
  applicationServers?: Readonly<Record<string, string>>;
  /**
   * Those of `applicationServers` that are told of every registration by a REGISTER of the network (3GPP TS 24.229
   * 5.4.1.7): `['sip:psa@domain.test']`. None when absent.
   */
  thirdPartyRegistration?: readonly string[];
  /**
   * Identities of users that may subscribe to the registrations of all (RFC 3680). Trusted peers and application
   * servers may without being named here; everybody may subscribe to his own.
   */
  watchers?: readonly string[];
  /** `cert` and `key` for tls and wss listeners; `ca` for connections to others. */
  tls?: TlsOptions;
  /** The machine's own when absent. */
  sockets?: Sockets;
  /** Costs nothing when absent. */
  onEvent?(event: NetworkEvent): void;
  /** Sees every SIP message; it must not throw. */
  onWire?: WireObserver;
}

/** Without passwords only this machine may be let in. */
export function checkListeners(uris: readonly string[], users: Users | undefined): void {
  for (const uri of uris) {
    const { host } = parseEndpoint(uri);
    if (users !== undefined || isLoopback(host)) continue;
    throw new ConfigurationError(
      `listen: ${uri} can be reached from other machines, so users with passwords are required; without users only loopback addresses may be listened on`,
    );
  }
}

/** By `serviceKey`. */
export function readServices(servers: Readonly<Record<string, string>>): Map<string, SipUri> {
  const services = new Map<string, SipUri>();
  for (const [identity, at] of Object.entries(servers)) {
    const named = SipUri.parse(identity);
    if (!named) throw new ConfigurationError(`applicationServers: ${JSON.stringify(identity)} is no SIP URI`);
    // Says what is wrong with it.
    parseEndpoint(at);
    const uri = SipUri.parse(at);
    if (uri) services.set(serviceKey(named), uri);
  }
  return services;
}

/** The addresses of those application servers. */
export function readThirdParties(
  identities: readonly string[],
  services: ReadonlyMap<string, SipUri>,
): SipUri[] {
  return identities.map((identity) => {
    const named = SipUri.parse(identity);
    const at = named && services.get(serviceKey(named));
    if (!at) {
      throw new ConfigurationError(
        `thirdPartyRegistration: ${JSON.stringify(identity)} is none of applicationServers`,
      );
    }
    return at;
  });
}

/** What comes from an application server's own address is trusted, so that must be an IP address. */
export function addressOf(uri: SipUri): PeerAddress {
  const { host, port, transport } = parseEndpoint(uri.toString());
  return { ...parsePeer(hostPort(host, port)), transport };
}
