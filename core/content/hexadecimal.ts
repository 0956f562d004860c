/** Octets as hexadecimal digits: how digests are told, and what some formats pack. */

/** Lower case, two digits an octet. */
export function encodeHexadecimal(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** @param digits two an octet: whoever calls has checked them, or made them. */
export function decodeHexadecimal(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
}
