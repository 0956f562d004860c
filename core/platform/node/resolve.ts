/** IP addresses: of host names by the system (the hosts file, then DNS), and blocks of them. */

import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ConfigurationError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Platform } from '../platform.js';

export const resolve: Platform['resolve'] = async (host) => {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new TransportError(`the name ${host} does not resolve: ${reasonOf(error)}`, { cause: error });
  }
};

export const addressBlocks: Platform['addressBlocks'] = (blocks) => {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix, surplus] = withoutZone(block).split('/');
    const family = familyOf(address);
    try {
      if (surplus !== undefined || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)))
        throw new RangeError();
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    } catch (error) {
      const expected = 'expected an IP address, or a range such as 192.0.2.0/24 or 2001:db8::/32';
      throw new ConfigurationError(`invalid address ${JSON.stringify(block)}: ${expected}`, { cause: error });
    }
  }
  return (host) => {
    const address = withoutZone(host);
    return isIP(address) !== 0 && list.check(address, familyOf(address));
  };
};

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** `fe80::1%eth0`: the zone of a link-local address is the name of an interface. */
function withoutZone(address: string): string {
  return address.replace(/%[^/]*/, '');
}
