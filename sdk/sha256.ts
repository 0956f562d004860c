import { encodeHexadecimal } from '../core/content/binary-text.js';

/** SHA-256 of octets, or of a text in UTF-8: 64 lower-case hexadecimal digits. Makes a storage key of whatever a sender wrote. */
export async function sha256(data: Uint8Array | string): Promise<string> {
  // A copy: octets may lie in memory that other threads change, which no digest takes.
  const octets = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  const digest = await crypto.subtle.digest('SHA-256', octets);
  return encodeHexadecimal(new Uint8Array(digest));
}
