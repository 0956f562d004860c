/** The options of the embedded network, and their validation. */

import { ConfigurationError } from '../../core/errors.js';
import type { ListenLimits } from '../../core/platform/bounds.js';
import type { Sockets, TlsOptions } from '../../core/platform/sockets.js';
import { DIGEST_ALGORITHMS, type DigestAlgorithm } from '../../core/sip/authentication/digest-challenger.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { hostPort, parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { isLoopback, type PeerAddress, parsePeer } from './addresses.js';
import type { NetworkEvent } from './events/network-events.js';
import { serviceKey } from './proxy/router.js';
import type { Users } from './registrar/accounts.js';

/** The options of the embedded network. */
export interface NetworkOptions {
  /**
   * Listeners: `sip:127.0.0.1:5060;transport=udp` (tcp, tls, ws, wss); port 0 is a free one. Default: UDP and TCP on
   * loopback.
   */
  listen?: readonly string[];
  /** Domain of the users; `domain.test` by default. */
  domain?: string;
  /**
   * Users of the domain. By default each name of the domain can register without a password, which is allowed only if
   * every listener is on loopback.
   */
  users?: Users;
  /**
   * Digest algorithms in the order of the challenges; `['sha-256', 'md5']` by default. Some clients read only the first
   * challenge: `['md5', 'sha-256']` lets them register. Others need `['md5']`.
   */
  digest?: readonly DigestAlgorithm[];
  /**
   * Addresses whose P-Asserted-Identity is trusted: `192.0.2.1` or, for one port, `192.0.2.1:5080`. Name the port if
   * devices use the same address.
   */
  trustedPeers?: readonly string[];
  /**
   * Application servers by public service identity: `{ 'sip:psa@domain.test': 'sip:127.0.0.1:5080;transport=udp' }`.
   * Requests to the identity go to that address, and requests from it are trusted.
   */
  applicationServers?: Readonly<Record<string, string>>;
  /**
   * Application servers that receive a REGISTER for each registration (3GPP TS 24.229 §5.4.1.7):
   * `['sip:psa@domain.test']`. None by default.
   */
  thirdPartyRegistration?: readonly string[];
  /**
   * Identities of users that can subscribe to the registrations of all users (RFC 3680). Trusted peers and application
   * servers always can. Each user can subscribe to its own.
   */
  watchers?: readonly string[];
  /** `cert` and `key` of TLS and WebSocket listeners; `ca` for connections to others. */
  tls?: TlsOptions;
  /** Sockets; those of the machine by default. */
  sockets?: Sockets;
  /** Bounds of the connections of each listener, and of the bytes that it holds for them. */
  limits?: Partial<ListenLimits>;
  /** Called for each event. Without it, no event is created. */
  onEvent?(event: NetworkEvent): void;
  /** Called for each SIP message. It must not throw. */
  onWire?: WireObserver;
}

/** A network without passwords may only listen on loopback. */
export function checkListeners(uris: readonly string[], users: Users | undefined): void {
  for (const uri of uris) {
    const { host } = parseEndpoint(uri);
    if (users !== undefined || isLoopback(host)) continue;
    throw new ConfigurationError(
      `listen: ${uri} can be reached from other machines, so users with passwords are required; without users only loopback addresses may be listened on`,
    );
  }
}

/** The algorithms of the challenges, checked; undefined for the default. */
export function digestOf({ digest }: Pick<NetworkOptions, 'digest'>): readonly DigestAlgorithm[] | undefined {
  const isKnown = digest?.every((each) => DIGEST_ALGORITHMS.includes(each));
  if (!digest || (digest.length > 0 && isKnown && new Set(digest).size === digest.length)) return digest;
  throw new ConfigurationError(
    `invalid digest ${JSON.stringify(digest.join())}: expected some of ${DIGEST_ALGORITHMS.join(', ')}, each once`,
  );
}

/** Application servers by `serviceKey`. */
export function readServices(servers: Readonly<Record<string, string>>): Map<string, SipUri> {
  const services = new Map<string, SipUri>();
  for (const [identity, at] of Object.entries(servers)) {
    const named = SipUri.parse(identity);
    if (!named)
      throw new ConfigurationError(
        `invalid applicationServers ${JSON.stringify(identity)}: expected a SIP URI`,
      );
    // Throws an error for an invalid URI or transport.
    parseEndpoint(at);
    const uri = SipUri.parse(at);
    if (uri) services.set(serviceKey(named), uri);
  }
  return services;
}

/** The URIs of the application servers for third-party registration. */
export function readThirdParties(
  identities: readonly string[],
  services: ReadonlyMap<string, SipUri>,
): SipUri[] {
  return identities.map((identity) => {
    const named = SipUri.parse(identity);
    const at = named && services.get(serviceKey(named));
    if (!at) {
      throw new ConfigurationError(
        `invalid thirdPartyRegistration ${JSON.stringify(identity)}: expected an identity of applicationServers`,
      );
    }
    return at;
  });
}

/** Requests from an application server's address are trusted, so it must be an IP address. */
export function addressOf(uri: SipUri): PeerAddress {
  const { host, port, transport } = parseEndpoint(uri.toString());
  return { ...parsePeer(hostPort(host, port)), transport };
}
