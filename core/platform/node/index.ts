/** The platform of Node.js. `#platform` resolves here. */

import type { Platform } from '../platform.js';
import { connect, listen, protocols } from './channel.js';
import { compress, decompress } from './compression.js';
import { openDatagram } from './datagram.js';
import { openFile, openSpool } from './file.js';
import { certificateFingerprint } from './fingerprint.js';
import { openFolder } from './folder.js';
import { hash, hasher, randomHex } from './hash.js';
import { request } from './http-client.js';
import { listenHttp } from './http-server.js';
import { resolve } from './resolve.js';
import { indexOf } from './search.js';
import { openStore } from './store.js';
import { startWorker } from './worker.js';

export const platform = {
  protocols,
  connect,
  listen,
  openDatagram,
  hash,
  hasher,
  randomHex,
  compress,
  decompress,
  indexOf,
  certificateFingerprint,
  openStore,
  openSpool,
  openFolder,
  openFile,
  resolve,
  request,
  listenHttp,
  startWorker,
} satisfies Platform;
