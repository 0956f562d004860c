/** Digests and random octets from node:crypto. */

import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ConfigurationError, UntrustedError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Platform } from '../platform.js';
import type { TlsOptions } from '../sockets.js';

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
 * Random octets are read from the kernel in pages. A sender needs a branch and a tag for each request, and one call of
 * randomBytes costs as much as writing the whole message.
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

/** Weakest first. MD2, MD5 and SHA-1 of RFC 8122 §5 are excluded, because certificates with a given digest can be forged. */
const HASHES = ['sha-224', 'sha-256', 'sha-384', 'sha-512'];

const FINGERPRINT = /^([a-z0-9-]+)[ \t]+([0-9a-f]{2}(?::[0-9a-f]{2}){0,63})$/i;

export const certificateFingerprint: Platform['certificateFingerprint'] = (pem) => {
  try {
    return `sha-256 ${fingerprint('sha-256', new X509Certificate(pem).raw)}`;
  } catch (error) {
    throw new ConfigurationError(`tls: invalid certificate, expected PEM: ${reasonOf(error)}`, {
      cause: error,
    });
  }
};

/**
 * Compares the peer's certificate with `options.fingerprints` after the handshake. One hash function is used, and any of
 * its fingerprints may match (RFC 8122 §5). It is the strongest one, so that a forged weaker one does not help.
 * @returns the error if none matches.
 */
export function certificateFault(socket: Socket, options: TlsOptions = {}): UntrustedError | undefined {
  if (options.fingerprints === undefined || !(socket instanceof TLSSocket)) return undefined;
  const announced = options.fingerprints.map(parseFingerprint);
  const algorithm = HASHES.findLast((hash) => announced.some((one) => one.algorithm === hash));
  if (algorithm === undefined) {
    return new UntrustedError(
      `the peer announced no fingerprint of its certificate with ${HASHES.join(', ')}`,
    );
  }
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return new UntrustedError('the peer has no certificate');
  const theirs = fingerprint(algorithm, certificate.raw);
  if (announced.some((one) => one.algorithm === algorithm && one.octets === theirs)) return undefined;
  return new UntrustedError(
    `the peer's certificate does not match the announced fingerprint: it has ${algorithm} ${theirs}`,
  );
}

/**
 * The SIP domains in the valid certificate of a client (RFC 5922 §7.1): of its `sip` URIs without a user, else of its DNS
 * names. The common name is not used: it is not defined to be a domain.
 */
export function sipDomains(socket: Socket): string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return [];
  const names = alternativeNames(socket.getPeerX509Certificate()?.subjectAltName ?? '');
  const uris = names.flatMap(([kind, value]) => (kind === 'URI' ? (SIP_DOMAIN.exec(value)?.[1] ?? []) : []));
  const domains = uris.length > 0 ? uris : names.flatMap(([kind, value]) => (kind === 'DNS' ? value : []));
  return domains.map((domain) => domain.toLowerCase());
}

/** A `sip` URI without a user: the host, without a port and parameters. */
const SIP_DOMAIN = /^sip:([^@:;?\s]+)(?:[:;?][^@\s]*)?$/i;

/** `DNS:a.test, URI:sip:a.test`. Node.js writes a value with unusual characters as a JSON string. */
function alternativeNames(text: string): [kind: string, value: string][] {
  const found = text.matchAll(/(?:^|, )([A-Za-z0-9 ]+):(?:"((?:[^"\\]|\\.)*)"|([^,"]*))(?=,|$)/g);
  return Array.from(found, ([, kind = '', , value = '']) => [kind, value]);
}

function parseFingerprint(text: string): { algorithm: string; octets: string } {
  const [, algorithm = '', octets = ''] = FINGERPRINT.exec(text.trim()) ?? [];
  return { algorithm: algorithm.toLowerCase(), octets: octets.toUpperCase() };
}

function fingerprint(algorithm: string, der: Uint8Array): string {
  const octets = createHash(algorithm.replace('-', '')).update(der).digest('hex').toUpperCase();
  return octets.replace(/..(?=.)/g, '$&:');
}
