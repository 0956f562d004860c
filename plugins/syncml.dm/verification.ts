/** Whether a notification comes from its server: which nonce its digest was made of. */

import { type DmNotification, dmDigest, sameDigest } from 'sip-push/formats';

/**
 * What a server that has lost the nonce uses in its place. Implementations write the ten characters `0x00000000`;
 * others read it as four octets.
 */
const FALLBACKS = {
  '0x00000000': new TextEncoder().encode('0x00000000'),
  'four zero octets': new Uint8Array(4),
} as const;

export type Fallback = keyof typeof FALLBACKS;

/** `none`: it carries no digest, its octets are all zero. `wrong`: of no nonce and this password. */
export type Verification = 'nonce' | Fallback | 'none' | 'wrong';

export function verify(
  { digest, trigger }: DmNotification,
  server: { readonly id: string; readonly password: string; readonly nonce: Uint8Array },
): Verification {
  if (digest.every((octet) => octet === 0)) return 'none';
  const isOf = (nonce: Uint8Array) =>
    sameDigest(digest, dmDigest({ serverId: server.id, password: server.password, nonce }, trigger));
  if (isOf(server.nonce)) return 'nonce';
  const names = Object.keys(FALLBACKS) as Fallback[];
  return names.find((name) => isOf(FALLBACKS[name])) ?? 'wrong';
}
