/** Octets in text (RFC 4648 4): where JSON, a configuration or a digest has no other place for them. */

import { decodeLatin1 } from './wsp/text.js';

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
    // What atob throws says no more than this.
    return undefined;
  }
}

/** Octets as hexadecimal digits: how digests are told, and what some formats pack. */

/** Lower case, two digits an octet. */
export function encodeHexadecimal(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** @param digits two an octet: whoever calls has checked them, or made them. */
export function decodeHexadecimal(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
}

/** SHA-256 of octets, or of a text in UTF-8: 64 lower-case hexadecimal digits. Makes a storage key of whatever a sender wrote. */
export async function sha256(data: Uint8Array | string): Promise<string> {
  // A copy: octets may lie in memory that other threads change, which no digest takes.
  const octets = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  const digest = await crypto.subtle.digest('SHA-256', octets);
  return encodeHexadecimal(new Uint8Array(digest));
}
