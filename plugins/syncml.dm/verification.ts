/** Verifies the digest of a notification, and finds the nonce that it uses. */

import { type DmNotification, dmDigest, sameDigest } from 'sip-push/formats';

/**
 * The nonces of a server that has lost its nonce. Most implementations use the ten characters `0x00000000`, others
 * four zero octets.
 */
const FALLBACKS = {
  '0x00000000': new TextEncoder().encode('0x00000000'),
  'four zero octets': new Uint8Array(4),
} as const;

export type Fallback = keyof typeof FALLBACKS;

/** `none`: the notification has no digest (all octets are zero). `wrong`: the digest matches no nonce. */
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
