/** Which IP addresses are of the public internet, as `core/content` tells them with ipaddr.js: that by a test. */

import { BlockList, isIP } from 'node:net';

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;

/** What the IANA has given out for anyone to use is 2000::/3; what is not, within it, and in all of IPv4. */
const SPECIAL =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 ' +
  '192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 ' +
  '203.0.113.0/24 224.0.0.0/3 ::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20';

// One for each: those of IPv6 would hold IPv4 mapped into it, too.
const special = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const range of SPECIAL.split(' ')) {
  const [address = '', bits] = range.split('/');
  const family = familyOf(address) ?? 'ipv4';
  special[family].addSubnet(address, Number(bits), family);
}

export function isPublicAddress(text: string): boolean {
  // A zone index makes it one of this very link.
  const family = familyOf(text);
  return family !== undefined && !text.includes('%') && !special[family].check(text, family);
}

function familyOf(text: string): 'ipv4' | 'ipv6' | undefined {
  return FAMILIES[isIP(text) as keyof typeof FAMILIES];
}
