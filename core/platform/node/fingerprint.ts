/** Certificates known by their fingerprints (RFC 8122). */

import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ConfigurationError, UntrustedError } from '../../errors.js';
import { reasonText } from '../failure.js';
import type { Platform, TlsOptions } from '../platform.js';

/**
 * Weakest first. RFC 8122 5 knows MD2, MD5 and SHA-1 besides: certificates of another can be made to have one that
 * is given.
 */
const HASHES = ['sha-224', 'sha-256', 'sha-384', 'sha-512'];

const FINGERPRINT = /^([a-z0-9-]+)[ \t]+([0-9a-f]{2}(?::[0-9a-f]{2}){0,63})$/i;

export const certificateFingerprint: Platform['certificateFingerprint'] = (pem) => {
  try {
    return `sha-256 ${fingerprint('sha-256', new X509Certificate(pem).raw)}`;
  } catch (error) {
    throw new ConfigurationError(`tls: no certificate to take a fingerprint of: ${reasonText(error)}`, {
      cause: error,
    });
  }
};

/**
 * Of a socket that ended its handshake: why it is not connected to whom `options.fingerprints` announced. RFC 8122 5:
 * one hash function is chosen, and any of its fingerprints may match. Taking the strongest leaves no choice to whoever
 * could forge a weaker one.
 */
export function certificateFault(socket: Socket, options: TlsOptions = {}): UntrustedError | undefined {
  if (options.fingerprints === undefined || !(socket instanceof TLSSocket)) return undefined;
  const announced = options.fingerprints.map(parseFingerprint);
  const algorithm = HASHES.findLast((hash) => announced.some((one) => one.algorithm === hash));
  if (algorithm === undefined) {
    return new UntrustedError(`no fingerprint of the peer's certificate by ${HASHES.join(', ')}`);
  }
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return new UntrustedError('the peer has no certificate');
  const theirs = fingerprint(algorithm, certificate.raw);
  if (announced.some((one) => one.algorithm === algorithm && one.octets === theirs)) return undefined;
  return new UntrustedError(`the peer's certificate has another fingerprint: ${algorithm} ${theirs}`);
}

function parseFingerprint(text: string): { algorithm: string; octets: string } {
  const [, algorithm = '', octets = ''] = FINGERPRINT.exec(text.trim()) ?? [];
  return { algorithm: algorithm.toLowerCase(), octets: octets.toUpperCase() };
}

function fingerprint(algorithm: string, der: Uint8Array): string {
  const octets = createHash(algorithm.replace('-', '')).update(der).digest('hex').toUpperCase();
  return octets.replace(/..(?=.)/g, '$&:');
}
