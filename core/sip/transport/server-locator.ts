/** Locates the servers of a SIP URI by NAPTR, SRV, A and AAAA records (RFC 3263 §4), in the order in which to try them. */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { NaptrRecord, QueryDns, SrvRecord } from '../../platform/dns.js';
import { SipUri } from '../values/uri.js';
import type { SipTransport } from './flow.js';
import { type Endpoint, parseEndpoint } from './transport-uri.js';

/** A server of a URI. */
export interface LocatedServer extends Endpoint {
  /** The name that the certificate of the server must have (RFC 5922 §4): the domain of the URI, not the name in DNS. */
  serverName: string;
}

export interface ServerLocatorOptions {
  /** Default: DNS of the platform; undefined if it has none. */
  query?: QueryDns | undefined;
  /** Addresses of a host name by the system. Default: those of the platform. */
  resolve?: (host: string) => Promise<string[] | undefined>;
  /** From 0 to 1, for weights. */
  random?: () => number;
  /** Milliseconds. */
  now?: () => number;
}

interface Located {
  servers: readonly LocatedServer[];
  /** When to ask again. */
  until: number;
}

/** The records of one transport. */
interface Service {
  transport: SipTransport;
  name: string;
}

/** Services of NAPTR records (RFC 3263 §4.1). A WebSocket has none with SRV records (RFC 7118 §6). */
const NAPTR_SERVICES: Readonly<Record<string, SipTransport>> = {
  'SIP+D2U': 'UDP',
  'SIP+D2T': 'TCP',
  'SIPS+D2T': 'TLS',
};
const SRV_NAMES: readonly (readonly [SipTransport, string])[] = [
  ['UDP', '_sip._udp'],
  ['TCP', '_sip._tcp'],
  ['TLS', '_sips._tcp'],
];
/** Servers of one URI, and URIs that are remembered. */
const MAX_SERVERS = 20;
const MAX_URIS = 100;
/** Limits of a TTL, milliseconds: 0 would be a query for each attempt, and an operator may correct a very long one. */
const TTL = { shortest: 1000, longest: 3_600_000 };
/** How long names that do not resolve are remembered, and how long DNS is not asked after it did not answer, milliseconds. */
const FAILURE_TTL = 30_000;
/** How long a server that failed is tried after the others, milliseconds. */
const PENALTY = 60_000;

export class ServerLocator {
  readonly #cache = new Map<string, Located>();
  readonly #pending = new Map<string, Promise<Located>>();
  /** By server: until when it is tried after the others, because it failed. */
  readonly #failedUntil = new Map<string, number>();
  /** Until when names are resolved by the system, because DNS did not answer. */
  #outageUntil = Number.NEGATIVE_INFINITY;
  readonly #query: QueryDns | undefined;
  readonly #resolve: (host: string) => Promise<string[] | undefined>;
  readonly #random: () => number;
  readonly #now: () => number;

  constructor(options: ServerLocatorOptions = {}) {
    this.#query = 'query' in options ? options.query : platform.queryDns;
    this.#resolve = options.resolve ?? ((host) => platform.resolve(host));
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether the servers of the URI are found by DNS: a domain without a port (§4.2), over a transport with SRV records. */
  locates(uri: string): boolean {
    const { transport, host } = parseEndpoint(uri);
    const isDomain = host.includes('.') && /[a-z][^.]*\.?$/i.test(host);
    return (
      this.#query !== undefined && isDomain && SipUri.parse(uri)?.port === undefined && hasSrv(transport)
    );
  }

  /**
   * The servers of a URI, in order; those that failed recently are last.
   * @throws TransportError if the name does not resolve.
   */
  async locate(uri: string): Promise<LocatedServer[]> {
    const known = this.#cache.get(uri);
    const { servers } = known && known.until > this.#now() ? known : await this.#renew(uri, known);
    if (servers.length === 0)
      throw new TransportError(`the name ${parseEndpoint(uri).host} does not resolve`);
    const failed = servers.filter((each) => this.hasFailed(each));
    return [...servers.filter((each) => !failed.includes(each)), ...failed];
  }

  /**
   * A server does not answer, or is overloaded: the others come first for a while (§4.3).
   * @param retryAfter milliseconds for which the server asks at least.
   */
  failed(server: Endpoint, retryAfter = 0): void {
    const key = keyOf(server);
    this.#failedUntil.delete(key);
    this.#failedUntil.set(key, this.#now() + Math.max(PENALTY, retryAfter));
    trim(this.#failedUntil, MAX_URIS * MAX_SERVERS);
  }

  /** Whether the server failed recently. */
  hasFailed(server: Endpoint): boolean {
    return (this.#failedUntil.get(keyOf(server)) ?? 0) > this.#now();
  }

  /** Whether a server of the URI can be tried that did not fail recently; true if the URI was not located yet. */
  hasOther(uri: string): boolean {
    return this.#cache.get(uri)?.servers.some((each) => !this.hasFailed(each)) ?? true;
  }

  async #renew(uri: string, known: Located | undefined): Promise<Located> {
    const pending = this.#pending.get(uri);
    if (pending) return await pending;
    const asking = this.#ask(uri);
    this.#pending.set(uri, asking);
    try {
      const asked = await asking;
      // The earlier servers are better than none.
      const { servers } = asked.servers.length > 0 || !known ? asked : known;
      const located = { servers, until: asked.until };
      this.#cache.delete(uri);
      this.#cache.set(uri, located);
      trim(this.#cache, MAX_URIS);
      return located;
    } finally {
      this.#pending.delete(uri);
    }
  }

  async #ask(uri: string): Promise<Located> {
    const ttls = [TTL.longest / 1000];
    const endpoint = parseEndpoint(uri);
    const servers = this.locates(uri) ? await this.#byService(uri, endpoint, ttls) : [];
    if (servers.length === 0) servers.push(...(await this.#byAddress(endpoint, endpoint.host, ttls)));
    const ttl = servers.length === 0 ? FAILURE_TTL : Math.max(TTL.shortest, Math.min(...ttls) * 1000);
    return { servers: servers.slice(0, MAX_SERVERS), until: this.#now() + ttl };
  }

  async #byService(uri: string, { host }: Endpoint, ttls: number[]): Promise<LocatedServer[]> {
    const found: LocatedServer[] = [];
    for (const { transport, name } of await this.#services(uri, ttls)) {
      const srv = await this.#records(name, 'SRV', ttls);
      // RFC 2782: a single target "." means that the service is not available.
      for (const { target, port } of this.#order(srv.filter((each) => !/^\.?$/.test(each.target)))) {
        if (found.length >= MAX_SERVERS) break;
        found.push(...(await this.#byAddress({ transport, host, port }, target, ttls)));
      }
    }
    return found;
  }

  /** The SRV names to query: of NAPTR records, or of the possible transports (§4.1). */
  async #services(uri: string, ttls: number[]): Promise<Service[]> {
    const { transport, host } = parseEndpoint(uri);
    const parsed = SipUri.parse(uri);
    const secure = parsed?.scheme === 'sips';
    const possible = (each: SipTransport) =>
      parsed?.parameters.has('transport') ? each === transport : !secure || each === 'TLS';
    const named = SRV_NAMES.filter(([each]) => possible(each)).map(([each, prefix]) => ({
      transport: each,
      name: `${prefix}.${host}`,
    }));
    if (parsed?.parameters.has('transport')) return named;
    const services = naptrServices(await this.#records(host, 'NAPTR', ttls)).filter((each) =>
      possible(each.transport),
    );
    return services.length > 0 ? services : named;
  }

  /** DNS servers do not know names of the hosts file, and the system has no TTL. */
  async #byAddress(endpoint: Endpoint, host: string, ttls: number[]): Promise<LocatedServer[]> {
    const name = host.replace(/\.$/, '');
    const isName = /[a-z][^.]*$/i.test(name) && !name.includes(':');
    const addresses =
      isName && this.locates(`sip:${endpoint.host}`)
        ? [...(await this.#records(name, 'AAAA', ttls)), ...(await this.#records(name, 'A', ttls))]
        : [];
    const found = addresses.length > 0 ? addresses : ((await this.#addresses(name)) ?? [name]);
    return found.map((address) => ({ ...endpoint, host: address, serverName: endpoint.host }));
  }

  async #addresses(name: string): Promise<string[] | undefined> {
    try {
      return await this.#resolve(name);
    } catch (error) {
      if (error instanceof TransportError) return [];
      throw error;
    }
  }

  /** Empty if no DNS server answers. */
  async #records<Type extends 'A' | 'AAAA' | 'SRV' | 'NAPTR'>(name: string, type: Type, ttls: number[]) {
    if (this.#outageUntil > this.#now()) {
      ttls.push(FAILURE_TTL / 1000);
      return [];
    }
    try {
      const answer = await this.#query?.(name, type);
      if (!answer) return [];
      // Other records may exist: a name without IPv6 address is usual.
      if (answer.records.length > 0) ttls.push(answer.ttl);
      return answer.records;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#outageUntil = this.#now() + FAILURE_TTL;
      ttls.push(FAILURE_TTL / 1000);
      return [];
    }
  }

  /** By priority, and at random by weight within a priority (RFC 2782). */
  #order(records: readonly SrvRecord[]): SrvRecord[] {
    const left = records.toSorted((one, other) => one.priority - other.priority || one.weight - other.weight);
    const ordered: SrvRecord[] = [];
    while (left.length > 0) {
      const group = left.filter(({ priority }) => priority === left[0]?.priority);
      const total = group.reduce((sum, { weight }) => sum + weight, 0);
      let drawn = this.#random() * total;
      const index = group.findIndex(({ weight }) => {
        drawn -= weight;
        return drawn <= 0;
      });
      ordered.push(...left.splice(Math.max(0, index), 1));
    }
    return ordered;
  }
}

/** Replacements of the supported services, in order. Only terminal records are followed, which point to SRV (§4.1). */
function naptrServices(records: readonly NaptrRecord[]): Service[] {
  return records
    .toSorted((one, other) => one.order - other.order || one.preference - other.preference)
    .flatMap(({ flags, services, replacement }) => {
      const transport = flags.toLowerCase() === 's' ? NAPTR_SERVICES[services.toUpperCase()] : undefined;
      return transport && replacement !== '' ? [{ transport, name: replacement }] : [];
    });
}

function hasSrv(transport: SipTransport): boolean {
  return SRV_NAMES.some(([each]) => each === transport);
}

function keyOf({ transport, host, port }: Endpoint): string {
  return `${transport} ${port} ${host}`;
}

function trim(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.size > most ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
