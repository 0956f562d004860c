/** Octet strings of one length. */

export function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((octet, index) => octet ^ (other[index] ?? 0));
}

/** How long it takes says nothing about where they differ. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const octet of xor(one, other)) difference |= octet;
  return difference === 0;
}
