/** Errors of Node.js. */

import { UntrustedError } from '../../errors.js';

/** How long `close` waits for the peer to read the buffered bytes before it destroys the connection. */
export const CLOSE_TIMEOUT_MS = 5_000;

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Codes of node:tls for a rejected certificate: X509_V_ERR of OpenSSL, and those of Node.js. */
const UNTRUSTED = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Whether the connection failed because of the peer's certificate. */
export function isUntrusted(error: unknown): boolean {
  return error instanceof UntrustedError || UNTRUSTED.has(errorCode(error) ?? '');
}
