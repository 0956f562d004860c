/** The digest of a DM notification: that its server knows the password, and the nonce of the last session. */

import { platform } from '#platform';
import { encodeBase64 } from '../base64.js';
import { decodeHexadecimal } from '../hexadecimal.js';
import { OctetWriter } from '../wsp/octet-writer.js';

export interface DmSecret {
  readonly serverId: string;
  readonly password: string;
  /** Raw octets, not base64. Which nonces count, and how often, is the application's to know. */
  readonly nonce: Uint8Array;
}

/**
 * `MD5(B64(MD5(serverId:password)):nonce:B64(MD5(trigger)))`, 16 octets.
 *
 * @param trigger the notification behind its digest, `DmNotification.trigger`.
 */
export function dmDigest({ serverId, password, nonce }: DmSecret, trigger: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const credentials = encodeBase64(md5(encoder.encode(`${serverId}:${password}`)));
  const input = new OctetWriter()
    .octets(encoder.encode(`${credentials}:`))
    .octets(nonce)
    .octets(encoder.encode(`:${encodeBase64(md5(trigger))}`));
  return md5(input.finish());
}

/** Whether two digests are the same, in a time that does not tell where they differ. */
export function sameDigest(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const [index, octet] of one.entries()) difference |= octet ^ (other[index] ?? 0);
  return difference === 0;
}

function md5(octets: Uint8Array): Uint8Array {
  return decodeHexadecimal(platform.hash('md5', octets));
}
