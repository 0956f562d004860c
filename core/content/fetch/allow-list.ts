/** The origins to which requests are allowed, and public IP addresses. */

import ipaddr from 'ipaddr.js';
import { ConfigurationError } from '../../errors.js';

/** Global unicast addresses of IPv6 (RFC 4291 §2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Public by its range, but the hypervisor of a cloud answers there with the machine's secrets (Azure's WireServer). The
 * metadata addresses of other clouds are link-local, CGNAT or unique local.
 */
const METADATA = new Set(['168.63.129.16']);

/**
 * False for loopback, private, link-local, CGNAT, multicast, reserved and unspecified addresses, and for IPv6 addresses
 * that contain an IPv4 address (mapped, NAT64, 6to4, Teredo), because no public server needs one.
 */
export function isPublicAddress(text: string): boolean {
  // An address with a zone index is local to a link.
  if (!ipaddr.isValid(text) || text.includes('%')) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast' || METADATA.has(address.toString())) return false;
  return !(address instanceof ipaddr.IPv6) || address.match(GLOBAL_UNICAST);
}

const ENTRY = /^(https?):\/\/(\*|(?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}|\*))?\/?$/i;

const DEFAULT_PORT: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

interface Origin {
  protocol: string;
  /** Lower-case; `*`, or `*.` and a domain. */
  host: string;
  /** A number, or `*`. */
  port: string;
}

/** `named`: an entry contains this host, and its address can be private. `matched`: a wildcard matches it. */
export type Permission = 'named' | 'matched';

export class AllowList {
  readonly #origins: readonly Origin[];

  /**
   * @param entries `https://*.operator.test`, `http://127.0.0.1:*`; by default https on its default port at any host.
   * @param where the name of the setting, for error messages.
   * @throws ConfigurationError that names the invalid entry.
   */
  constructor(entries: readonly string[] = ['https://*'], where = 'fetch.allow') {
    this.#origins = entries.map((entry) => origin(entry, where));
  }

  permission(url: URL): Permission | undefined {
    const host = hostOf(url);
    const port = url.port || DEFAULT_PORT[url.protocol];
    const permitting = this.#origins.filter(
      (entry) =>
        entry.protocol === url.protocol &&
        (entry.port === '*' || entry.port === port) &&
        matches(entry.host, host),
    );
    if (permitting.some((entry) => entry.host === host)) return 'named';
    return permitting.length > 0 ? 'matched' : undefined;
  }
}

/** The host in lower case, IPv6 without brackets, an absolute name without its final dot. */
export function hostOf({ hostname }: URL): string {
  return hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
}

function origin(entry: string, where: string): Origin {
  const match = ENTRY.exec(entry);
  const [, scheme = '', host = '', port] = match ?? [];
  // URLs normalise hosts: http://127.1 is 127.0.0.1.
  const literal = host.includes('*') ? host.toLowerCase() : literalHost(host);
  if (!match || literal === undefined || Number(port) > 65_535) {
    throw new ConfigurationError(
      `invalid ${where} "${entry}": expected an origin such as https://*.operator.test or http://127.0.0.1:*`,
    );
  }
  const protocol = `${scheme.toLowerCase()}:`;
  return { protocol, host: literal, port: port ?? DEFAULT_PORT[protocol] ?? '' };
}

function literalHost(host: string): string | undefined {
  return URL.canParse(`http://${host}`) ? hostOf(new URL(`http://${host}`)) : undefined;
}

function matches(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.')
    ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length
    : pattern === host;
}
