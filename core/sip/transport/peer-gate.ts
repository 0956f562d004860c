/**
 * The peers that an agent accepts requests from at the port where it listens: the addresses of its core, and the
 * configured ones. Every other peer is foreign.
 */

import { platform } from '#platform';
import { ConfigurationError } from '../../errors.js';
import type { Address } from '../../platform/sockets.js';
import { isHost } from '../values/uri.js';
import type { ListenerGate } from './listener.js';
import { parseEndpoint } from './transport-uri.js';

/** Foreign messages and connections that are read at once, and per second. Further ones are dropped unread. */
const FOREIGN_BURST = 10;
const FOREIGN_PER_SECOND = 1;

/** Shortest time between two resolutions of the servers after foreign messages, milliseconds. */
const RESOLVE_INTERVAL = 30_000;

export interface PeerGateOptions {
  /** URIs of the servers of the core: the addresses of their hosts are peers. */
  servers: readonly string[];
  /** Addresses, ranges, and names in client certificates: `192.0.2.7`, `2001:db8::/32`, `core.domain.test`. */
  peers?: readonly string[];
  /** Milliseconds; the clock of the machine by default. */
  now?: () => number;
  /** Default: the resolver of the platform. */
  resolve?: (host: string) => Promise<string[] | undefined>;
}

type Blocks = (host: string) => boolean;

export class PeerGate implements Omit<ListenerGate, 'onForeign'> {
  readonly #hosts: readonly string[];
  readonly #servers = new Map<string, Blocks>();
  /** Addresses of the connections to the core, by server. */
  readonly #connected = new Map<string, string>();
  readonly #configured: Blocks;
  readonly #names: ReadonlySet<string>;
  readonly #now: () => number;
  readonly #resolve: (host: string) => Promise<string[] | undefined>;
  #tokens = FOREIGN_BURST;
  #filled: number;
  #resolved = Number.NEGATIVE_INFINITY;
  #dropped = 0;

  /** @throws ConfigurationError naming an invalid entry of `peers`. */
  constructor({ servers, peers = [], now = () => performance.now(), resolve }: PeerGateOptions) {
    this.#hosts = [...new Set(servers.map((server) => parseEndpoint(server).host))];
    const invalid = peers.find((peer) => !isPeer(peer));
    if (invalid !== undefined) {
      throw new ConfigurationError(`invalid peer ${JSON.stringify(invalid)}: ${EXPECTED_PEER}`);
    }
    const names = peers.filter(isCertificateName);
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    this.#configured = platform.addressBlocks(peers.filter((peer) => !names.includes(peer)));
    this.#now = now;
    this.#filled = now();
    this.#resolve = resolve ?? ((host) => platform.resolve(host));
  }

  /** Resolves the hosts of the servers again. A host that does not resolve keeps its addresses. */
  async refresh(): Promise<void> {
    this.#resolved = this.#now();
    await Promise.all(
      this.#hosts.map(async (host) => {
        const blocks = await this.#resolve(host)
          .then((addresses) => addresses && platform.addressBlocks(addresses))
          .catch(() => undefined);
        if (blocks) this.#servers.set(host, blocks);
      }),
    );
  }

  /** The agent has connected to this address of a server. */
  connected(server: string, { host }: Address): void {
    this.#connected.set(server, host);
    void this.refresh();
  }

  admits({ host }: Address, certificateNames: readonly string[] = []): boolean {
    if (this.#hosts.includes(host) || this.#configured(host)) return true;
    for (const blocks of this.#servers.values()) if (blocks(host)) return true;
    for (const address of this.#connected.values()) if (address === host) return true;
    // RFC 5922 §7.2: whole names, without wildcards.
    return certificateNames.some((name) => this.#names.has(name));
  }

  /** A token bucket: answers and events for foreign messages must not cost more than the messages. */
  allowsForeign(): boolean {
    const now = this.#now();
    // The core may have moved.
    if (now - this.#resolved >= RESOLVE_INTERVAL) void this.refresh();
    this.#tokens = Math.min(FOREIGN_BURST, this.#tokens + ((now - this.#filled) / 1000) * FOREIGN_PER_SECOND);
    this.#filled = now;
    if (this.#tokens < 1) {
      this.#dropped++;
      return false;
    }
    this.#tokens--;
    return true;
  }

  /** Why a foreign message is refused, and how many were dropped since the last one. */
  refusal({ host }: Address): string {
    const dropped = this.#dropped;
    this.#dropped = 0;
    const more = dropped === 0 ? '' : `; ${dropped} more from foreign addresses were dropped`;
    return `${host} is not an address of "server", and not in "peers"${more}`;
  }
}

export const EXPECTED_PEER =
  'expected an IP address, a range such as 192.0.2.0/24, or the name in a TLS client certificate, e.g. core.domain.test';

export function isPeer(entry: string): boolean {
  if (isCertificateName(entry)) return true;
  try {
    platform.addressBlocks([entry]);
    return true;
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
}

/** A host name has a letter in its last label, and an address has none: `core.domain.test`. */
function isCertificateName(entry: string): boolean {
  return isHost(entry) && !entry.startsWith('[') && /[a-z][^.]*\.?$/i.test(entry);
}
