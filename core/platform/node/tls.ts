/** TLS settings of both sides, checked when they are given and not when the first peer comes. */

import { isIP } from 'node:net';
import tls from 'node:tls';
import { ConfigurationError } from '../../errors.js';
import { reasonText } from '../failure.js';
import type { TlsOptions } from '../platform.js';

/** Peers that start a TLS handshake or an HTTP upgrade and never finish it. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

export function clientTlsOptions(host: string, options: TlsOptions = {}): tls.ConnectionOptions {
  const name = options.serverName ?? host;
  return {
    secureContext: secureContext(options),
    // RFC 6066 3: no literal addresses in server_name; the certificate is held against the address all the same.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    // RFC 8122: such certificates are self-signed as a rule. Whoever connects checks the fingerprint.
    ...(options.fingerprints !== undefined && { rejectUnauthorized: false }),
  };
}

/** A listener asks for no client certificates (users prove themselves by digest): `ca` is for clients. */
export function serverTlsOptions(options: TlsOptions | undefined): tls.TlsOptions & { key: string | Buffer } {
  if (options?.cert === undefined || options.key === undefined) {
    throw new ConfigurationError('tls: a listener needs "cert" and "key"');
  }
  secureContext(options);
  return {
    cert: pem(options.cert),
    key: pem(options.key),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  };
}

function secureContext({ ca, cert, key }: TlsOptions): tls.SecureContext {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError('tls: "cert" and "key" go together');
  }
  try {
    return tls.createSecureContext({
      ...(ca !== undefined && { ca: pem(ca) }),
      ...(cert !== undefined && { cert: pem(cert) }),
      ...(key !== undefined && { key: pem(key) }),
    });
  } catch (error) {
    throw new ConfigurationError(`tls: ca, cert or key cannot be used: ${reasonText(error)}`, {
      cause: error,
    });
  }
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}
