/** Fingerprints of certificates (RFC 8122), which scripts of a browser see as files at most. */

import { ConfigurationError } from '../../errors.js';
import type { Platform } from '../platform.js';
import { hash } from './hash.js';

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;

/** X.690 8.9: a SEQUENCE, which a certificate is (RFC 5280 4.1). */
const SEQUENCE = 0x30;

export const certificateFingerprint: Platform['certificateFingerprint'] = (pem) => {
  const text = typeof pem === 'string' ? pem : new TextDecoder().decode(pem);
  const der = decode(PEM.exec(text)?.[1] ?? '');
  if (!isSequence(der)) throw new ConfigurationError('tls: no certificate to take a fingerprint of');
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

/** One value with a length of two octets (X.690 8.1.3.5), as long as that says: 256 to 65535 octets. */
function isSequence(der: Uint8Array): boolean {
  const [tag, lengthOctets, high = 0, low = 0] = der;
  return tag === SEQUENCE && lengthOctets === 0x82 && der.length === 4 + high * 256 + low;
}
