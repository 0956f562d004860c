/** The platform of Node.js. `#platform` resolves here. */

import type { Platform } from '../platform.js';
import { compress, decompress, indexOf } from './bytes.js';
import { connect, listen, protocols } from './channel.js';
import { certificateFingerprint, hash, hasher, randomHex } from './crypto.js';
import { openDatagram } from './datagram.js';
import { openFile, openSpool } from './file.js';
import { openFolder } from './folder.js';
import { request } from './http-client.js';
import { listenHttp } from './http-server.js';
import { addressBlocks, queryDns, resolve } from './resolve.js';
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
  queryDns,
  addressBlocks,
  request,
  listenHttp,
  startWorker,
} satisfies Platform;
