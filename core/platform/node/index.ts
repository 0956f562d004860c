/** The platform of Node.js. `#platform` resolves here. */

import type { Platform } from '../platform.js';
import { connect, listen } from './channel.js';
import { openDatagram } from './datagram.js';
import { hash, randomHex } from './hash.js';
import { openStore } from './store.js';

export const platform: Platform = { connect, listen, openDatagram, hash, randomHex, openStore };
