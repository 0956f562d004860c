/** Determines the targets of a request (RFC 3261 §16.5). */

import { TransportError } from '../../../core/errors.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { parseNameAddr } from '../../../core/sip/values/name-addr.js';
import { SipUri } from '../../../core/sip/values/uri.js';
import { isLoopback, type PeerAddress } from '../addresses.js';
import type { FlowTable } from '../flow-table.js';
import type { Outbound } from '../outbound.js';
import type { Accounts } from '../registrar/accounts.js';
import type { Binding } from '../registrar/binding.js';
import type { Caller } from '../registrar/caller.js';
import { canonicalInstanceId, type TemporaryGruus } from '../registrar/gruu.js';
import type { LocationStore } from '../registrar/location.js';
import { firstRoute, removeOwnRoutes } from './route-headers.js';
import { type Candidate, type Target, targetSet } from './target-set.js';

/** Groups that are tried in sequence; the status of the response if there is no target; or the network itself. */
export type RoutingResult =
  | { readonly groups: readonly (readonly Target[])[] }
  | { readonly status: number }
  | 'network';

export interface RouterOptions {
  domain: string;
  accounts: Accounts;
  location: LocationStore;
  temporaryGruus: TemporaryGruus;
  flows: FlowTable;
  outbound: Outbound;
  /** Addresses to which requests for other domains can be sent. */
  peers: readonly PeerAddress[];
  /** Public service identities: `user@host` to the URI of the application server. */
  services: ReadonlyMap<string, SipUri>;
}

const IP_LITERAL = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

export class Router {
  constructor(private readonly options: RouterOptions) {}

  isOurs = (uri: SipUri): boolean =>
    uri.host.toLowerCase() === this.options.domain || this.options.flows.isOurs(uri);

  /** Removes our own Route values from `request`. */
  route(request: SipRequest, flow: SipFlow, caller: Caller): RoutingResult {
    const token = removeOwnRoutes(request, this.isOurs);
    const uri = SipUri.parse(request.uri);
    const gruu = uri && this.#gruu(uri);
    // The target of a dialog can be a GRUU of this network: the current contact of the device, not that of the dialog.
    if (gruu && gruu !== 'unknown' && gruu.length > 0) return this.#contacts(request, gruu, true);
    if (token !== undefined) {
      const known = this.options.flows.resolve(token);
      if (known) return this.#dialogPeer(request.uri, known.flow);
    }
    const next = firstRoute(request);
    if (next) return this.#direct(request.uri, next, flow, caller);
    if (request.headers.has('Route')) return { status: 400 };
    if (gruu) return { status: gruu === 'unknown' ? 404 : 480 };
    return this.#destination(request, uri, flow, caller);
  }

  /** RFC 5626 §5.3.2. A 430 would be for an authoritative proxy, which is this one. */
  #dialogPeer(uri: string, flow: SipFlow | 'lost'): RoutingResult {
    if (flow === 'lost') return { status: 480 };
    return { groups: [[{ uri, route: [], flow: () => flow, others: [] }]] };
  }

  #destination(request: SipRequest, uri: SipUri | undefined, flow: SipFlow, caller: Caller): RoutingResult {
    const { accounts, location, services } = this.options;
    const service = uri && services.get(serviceKey(uri));
    if (service) return { groups: [[this.#via(request.uri, service)]] };
    const account = accounts.byIdentity(request.uri);
    if (account) return this.#contacts(request, location.bindings(account.username));
    if (!uri) return { status: request.uri.startsWith('tel:') ? 404 : 416 };
    if (!this.isOurs(uri)) return this.#direct(request.uri, uri, flow, caller);
    return uri.user === undefined ? 'network' : { status: 404 };
  }

  /** RFC 5627 §5.3. Undefined if the URI is not a GRUU of this network. */
  #gruu(uri: SipUri): readonly Binding[] | 'unknown' | undefined {
    if (!uri.parameters.has('gr')) return undefined;
    const { accounts, location, temporaryGruus } = this.options;
    const unknown = this.isOurs(uri) ? 'unknown' : undefined;
    const instance = uri.parameters.get('gr');
    if (instance === undefined) {
      const device = location.device(temporaryGruus.resolve(uri.user ?? '') ?? 0);
      // A temporary GRUU ends with its registration.
      return device ? location.bindingsOfDevice(device.username, device.instanceId) : unknown;
    }
    const account = accounts.byIdentity(uri.toString());
    if (!account) return unknown;
    return location.bindingsOfDevice(account.username, canonicalInstanceId(instance));
  }

  #contacts(request: SipRequest, bindings: Iterable<Binding>, deviceIsNamed = false): RoutingResult {
    const groups = targetSet(request, bindings, deviceIsNamed);
    if (groups.length === 0) return { status: 480 };
    // RFC 7315 §5.2: not within a dialog.
    const initial = (request.headers.to?.tag ?? '') === '';
    const called = initial ? request.uri : undefined;
    return { groups: groups.map((group) => group.map((candidate) => this.#device(candidate, called))) };
  }

  #device({ binding, others }: Candidate, called: string | undefined): Target {
    const { contact, path, addressOfRecord } = binding;
    const account = this.options.accounts.byIdentity(addressOfRecord);
    return {
      uri: contact.uri,
      route: path,
      flow: () => this.#bindingFlow(binding),
      account,
      called,
      others: others.map((other) => this.#device({ binding: other, others: [] }, called)),
    };
  }

  /** The flow of the REGISTER, which also passes the NAT of the device; else the flow of its Path. */
  #bindingFlow({ flow, path, contact }: Binding): SipFlow | Promise<SipFlow> {
    if (!flow.closed) return flow;
    const first = SipUri.parse(parseNameAddr(path[0] ?? '')?.uri ?? '');
    if (!first) throw new TransportError(`the connection of ${contact.uri} is closed`);
    return this.options.outbound.flowTo(first);
  }

  /**
   * Routes by the address in a URI: only to configured peers, and on this machine. A network for development must not be a
   * relay to other machines.
   */
  #direct(requestUri: string, uri: SipUri, flow: SipFlow, caller: Caller): RoutingResult {
    if (caller.kind === 'unauthenticated' && !isLoopback(flow.remote.host)) return { status: 403 };
    const host = uri.host.toLowerCase() === 'localhost' ? '127.0.0.1' : uri.host;
    if (!IP_LITERAL.test(host)) return { status: 404 };
    const within = isLoopback(host) && isLoopback(flow.remote.host);
    if (!within && !this.#isPeer(host, uri.port)) return { status: 403 };
    const next = new SipUri({ scheme: uri.scheme, host, port: uri.port, parameters: uri.parameters });
    return { groups: [[this.#via(requestUri, next)]] };
  }

  #isPeer(host: string, port: number | undefined): boolean {
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    return this.options.peers.some(
      (peer) => peer.host === bare && (peer.port === undefined || peer.port === (port ?? 5060)),
    );
  }

  #via(uri: string, next: SipUri): Target {
    return { uri, route: [], flow: () => this.options.outbound.flowTo(next), others: [] };
  }
}

/** The key of a URI in `services`. */
export function serviceKey(uri: SipUri): string {
  return new SipUri({ user: uri.user, host: uri.host }).addressOfRecord().slice('sip:'.length);
}
