/** Globally routable user agent URIs: created at registration, and resolved in requests (RFC 5627). */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SipUri } from '../../../core/sip/values/uri.js';

/** User part of a temporary GRUU: a prefix that no user name should have, and one AES block in hexadecimal. */
const TEMPORARY = /^tgruu\.([0-9a-f]{32})$/;
const PREFIX = 'tgruu.';

/** Layout of the block before encryption, bytes: the number of the device's registration, noise, zeros. */
const BLOCK = 16;
const NUMBER_BYTES = 6;
const NOISE_BYTES = 5;

/**
 * The canonical form of an instance id: URNs of type uuid without case (RFC 4122 §3), others unchanged.
 * `text` is the value of `+sip.instance`, or of a `gr` parameter with its escapes.
 */
export function canonicalInstanceId(text: string): string {
  const bare = withoutEscapes(text.replace(/^<(.*)>$/, '$1'));
  return /^urn:uuid:/i.test(bare) ? bare.toLowerCase() : bare;
}

function withoutEscapes(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `sip:bob@domain.test;gr=urn:uuid:f81d4fae-…` (RFC 5627 §5.1). */
export function publicGruu(addressOfRecord: string, instanceId: string): string | undefined {
  const uri = SipUri.parse(addressOfRecord);
  if (!uri) return undefined;
  uri.parameters.set('gr', instanceId);
  return uri.toString();
}

/**
 * Temporary GRUUs contain the encrypted number of their registration (RFC 5627 appendix A.2). No peer can tell whether two
 * of them belong to one device, every REGISTER can get a new one, and the network stores none. They end with their
 * registration, when its number becomes unknown.
 */
export class TemporaryGruus {
  readonly #key = randomBytes(16);

  /** A new temporary GRUU of a registration; undefined for an identity that is not a SIP URI. */
  issue(addressOfRecord: string, registration: number): string | undefined {
    const uri = SipUri.parse(addressOfRecord);
    if (!uri) return undefined;
    uri.user = this.mint(registration);
    uri.parameters.set('gr', undefined);
    return uri.toString();
  }

  /** The user part of a new temporary GRUU. */
  mint(registration: number): string {
    const block = Buffer.alloc(BLOCK);
    block.writeUIntBE(registration, 0, NUMBER_BYTES);
    randomBytes(NOISE_BYTES).copy(block, NUMBER_BYTES);
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false);
    return PREFIX + Buffer.concat([cipher.update(block), cipher.final()]).toString('hex');
  }

  /** The number of the registration; undefined for a user part that this network did not create. */
  resolve(user: string): number | undefined {
    const block = TEMPORARY.exec(user)?.[1];
    if (block === undefined) return undefined;
    const decipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false);
    const plain = Buffer.concat([decipher.update(block, 'hex'), decipher.final()]);
    // One of 2^40 guesses decrypts to these zeros.
    const genuine = plain.subarray(NUMBER_BYTES + NOISE_BYTES).every((byte) => byte === 0);
    return genuine ? plain.readUIntBE(0, NUMBER_BYTES) : undefined;
  }
}
