/** Digests as they are asked for, at once: SubtleCrypto answers later, and knows no MD5. */

import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512_256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Platform } from '../platform.js';

const HASHES = { md5, 'sha-1': sha1, 'sha-256': sha256, 'sha-512-256': sha512_256 };

export const hash: Platform['hash'] = (algorithm, data) =>
  bytesToHex(HASHES[algorithm](typeof data === 'string' ? new TextEncoder().encode(data) : data));

export const hasher: Platform['hasher'] = (algorithm) => {
  const digest = HASHES[algorithm].create();
  return { update: (bytes) => void digest.update(bytes), digest: () => bytesToHex(digest.digest()) };
};

/** What getRandomValues gives at a time. */
const MAX_RANDOM_BYTES = 65_536;

export const randomHex: Platform['randomHex'] = (bytes) => {
  const octets = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += MAX_RANDOM_BYTES) {
    crypto.getRandomValues(octets.subarray(at, at + MAX_RANDOM_BYTES));
  }
  return bytesToHex(octets);
};
