/** Which IP addresses are of the public internet. */

import ipaddr from 'ipaddr.js';
import { ConfigurationError } from '../../errors.js';

/** Global unicast: what the IANA has given out of IPv6 for anyone to use (RFC 4291 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Public by its range, and of a cloud all the same: its hypervisor answers there, with the machine's secrets
 * (Azure's WireServer). The others' metadata addresses are link-local, CGNAT or unique local.
 */
const METADATA = new Set(['168.63.129.16']);

/**
 * False for loopback, private, link-local, CGNAT, multicast, reserved and unspecified addresses, and for all of IPv6
 * that stands for an IPv4 address (mapped, NAT64, 6to4, Teredo): nobody needs one of those to reach a public server.
 */
export function isPublicAddress(text: string): boolean {
  // A zone index makes it one of this very link.
  if (!ipaddr.isValid(text) || text.includes('%')) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast' || METADATA.has(address.toString())) return false;
  return !(address instanceof ipaddr.IPv6) || address.match(GLOBAL_UNICAST);
}

/** Where content may be fetched from: origins, some of them with a wildcard. */

const ENTRY = /^(https?):\/\/(\*|(?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}|\*))?\/?$/i;

const DEFAULT_PORT: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

interface Origin {
  protocol: string;
  /** Lower-case; `*`, or `*.` and a domain. */
  host: string;
  /** A number, or `*`. */
  port: string;
}

/** `named`: an entry names the very host, so that its address may be any; `matched`: a wildcard does. */
export type Permission = 'named' | 'matched';

export class AllowList {
  readonly #origins: readonly Origin[];

  /**
   * @param entries `https://*.operator.test`, `http://127.0.0.1:*`; absent: https at its usual port, from anywhere.
   * @param where they stand, for messages.
   * @throws ConfigurationError naming the entry that is no origin.
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

/** Lower-case, IPv6 without brackets, without the dot that ends an absolute name. */
export function hostOf({ hostname }: URL): string {
  return hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
}

function origin(entry: string, where: string): Origin {
  const match = ENTRY.exec(entry);
  const [, scheme = '', host = '', port] = match ?? [];
  // What stands for itself is written as URLs write it: http://127.1 is 127.0.0.1.
  const literal = host.includes('*') ? host.toLowerCase() : literalHost(host);
  if (!match || literal === undefined || Number(port) > 65_535) {
    throw new ConfigurationError(
      `${where}: "${entry}" is no origin; expected e.g. https://*.operator.test or http://127.0.0.1:*`,
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
