/** The platform of browsers. `#platform` resolves here under the condition `browser`. */

import type { Platform } from '../platform.js';
import { compress, decompress, indexOf } from './bytes.js';
import { certificateFingerprint, hash, hasher, randomHex } from './crypto.js';
import { openFolder } from './folder.js';
import { request } from './http-client.js';
import { openSpool } from './spool.js';
import { openStore } from './store.js';
import {
  addressBlocks,
  listen,
  listenHttp,
  openDatagram,
  openFile,
  resolve,
  startWorker,
} from './unsupported.js';
import { connect, protocols } from './websocket-channel.js';

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
  addressBlocks,
  request,
  listenHttp,
  startWorker,
} satisfies Platform;
