/** Which IP addresses are of the public internet. */

import ipaddr from 'ipaddr.js';

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
