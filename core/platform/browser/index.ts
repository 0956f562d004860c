/** The platform of browsers. `#platform` resolves here under the condition `browser`. */

import type { Platform } from '../platform.js';
import { compress, decompress } from './compression.js';
import { certificateFingerprint } from './fingerprint.js';
import { openFolder } from './folder.js';
import { hash, hasher, randomHex } from './hash.js';
import { request } from './http-client.js';
import { listen, listenHttp, openDatagram, openFile, startWorker } from './refused.js';
import { resolve } from './resolve.js';
import { indexOf } from './search.js';
import { openSpool } from './spool.js';
import { openStore } from './store.js';
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
  request,
  listenHttp,
  startWorker,
} satisfies Platform;
