/** Bytes in bytes, by the search of node:buffer: a loop in JavaScript takes 20 times as long. */

import { Buffer } from 'node:buffer';
import type { Platform } from '../platform.js';

export const indexOf: Platform['indexOf'] = (bytes, pattern, from = 0) =>
  Buffer.prototype.indexOf.call(bytes, pattern, from);
