/** Resolves host names by the system: the hosts file, then DNS. */

import { lookup } from 'node:dns/promises';
import { TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Platform } from '../platform.js';

export const resolve: Platform['resolve'] = async (host) => {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new TransportError(`the name ${host} does not resolve: ${reasonOf(error)}`, { cause: error });
  }
};
