/** Octets in text: base64, hexadecimal and digests (RFC 4648). */

import { decodeLatin1 } from './charset.js';

/** With padding. */
export function encodeBase64(octets: Uint8Array): string {
  return btoa(decodeLatin1(octets));
}

/** Decodes base64. Undefined if the text is not valid base64 with padding and without blanks. */
export function decodeBase64(text: string): Uint8Array | undefined {
  try {
    const octets = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return encodeBase64(octets) === text ? octets : undefined;
  } catch {
    return undefined;
  }
}

/** Lower case, two digits for each octet. */
export function encodeHexadecimal(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** @param digits two for each octet; not validated. */
export function decodeHexadecimal(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
}

/**
 * SHA-256 of octets, or of a text in UTF-8, as 64 lower-case hexadecimal digits. Use it for storage keys, so that their
 * length does not depend on the sender.
 */
export async function sha256(data: Uint8Array | string): Promise<string> {
  // A copy, because `digest` rejects shared memory.
  const octets = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  const digest = await crypto.subtle.digest('SHA-256', octets);
  return encodeHexadecimal(new Uint8Array(digest));
}
