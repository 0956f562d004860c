/** Synchronous digests. SubtleCrypto is asynchronous and has no MD5. */

import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512_256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ConfigurationError } from '../../errors.js';
import type { Platform } from '../platform.js';

const HASHES = { md5, 'sha-1': sha1, 'sha-256': sha256, 'sha-512-256': sha512_256 };

export const hash: Platform['hash'] = (algorithm, data) =>
  bytesToHex(HASHES[algorithm](typeof data === 'string' ? new TextEncoder().encode(data) : data));

export const hasher: Platform['hasher'] = (algorithm) => {
  const digest = HASHES[algorithm].create();
  return { update: (bytes) => void digest.update(bytes), digest: () => bytesToHex(digest.digest()) };
};

/** Limit of one call of getRandomValues. */
const MAX_RANDOM_BYTES = 65_536;

export const randomHex: Platform['randomHex'] = (bytes) => {
  const octets = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += MAX_RANDOM_BYTES) {
    crypto.getRandomValues(octets.subarray(at, at + MAX_RANDOM_BYTES));
  }
  return bytesToHex(octets);
};

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;

/** The tag of a SEQUENCE (X.690 §8.9), which a certificate is (RFC 5280 §4.1). */
const SEQUENCE = 0x30;

export const certificateFingerprint: Platform['certificateFingerprint'] = (pem) => {
  const text = typeof pem === 'string' ? pem : new TextDecoder().decode(pem);
  const der = decode(PEM.exec(text)?.[1] ?? '');
  if (!isSequence(der)) throw new ConfigurationError('tls: invalid certificate, expected PEM');
  return `sha-256 ${hash('sha-256', der)
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:')}`;
};

function decode(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** Whether the bytes are one SEQUENCE with a length of two octets (X.690 §8.1.3.5). */
function isSequence(der: Uint8Array): boolean {
  const [tag, lengthOctets, high = 0, low = 0] = der;
  return tag === SEQUENCE && lengthOctets === 0x82 && der.length === 4 + high * 256 + low;
}
