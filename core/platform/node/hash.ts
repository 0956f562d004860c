/** Digests and random octets from node:crypto. */

import { createHash, randomBytes } from 'node:crypto';
import type { Platform } from '../platform.js';

const OPENSSL_NAMES = {
  md5: 'md5',
  'sha-1': 'sha1',
  'sha-256': 'sha256',
  'sha-512-256': 'sha512-256',
} as const;

export const hash: Platform['hash'] = (algorithm, data) =>
  createHash(OPENSSL_NAMES[algorithm]).update(data).digest('hex');

export const hasher: Platform['hasher'] = (algorithm) => {
  const digest = createHash(OPENSSL_NAMES[algorithm]);
  return { update: (bytes) => void digest.update(bytes), digest: () => digest.digest('hex') };
};

/**
 * Octets are drawn from the kernel by the page and handed out in pieces: a sender makes a branch and a tag for
 * each of thousands of requests, and one call of randomBytes costs as much as the whole message.
 */
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let used = 0;

export const randomHex: Platform['randomHex'] = (bytes) => {
  if (bytes > POOL_BYTES) return randomBytes(bytes).toString('hex');
  if (used + bytes > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
};
