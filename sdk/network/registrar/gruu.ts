/** Globally routable user agent URIs: made at registration, resolved when a request comes to one (RFC 5627). */

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
 * An instance id as it is compared: URNs of type uuid without regard to case (RFC 4122 3), others as they are.
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

/** `sip:bob@domain.test;gr=urn:uuid:f81d4fae-…` (RFC 5627 5.1). */
export function publicGruu(addressOfRecord: string, instanceId: string): string | undefined {
  const uri = SipUri.parse(addressOfRecord);
  if (!uri) return undefined;
  uri.parameters.set('gr', instanceId);
  return uri.toString();
}

/**
 * Temporary GRUUs carry, encrypted, the number of the registration they were given for (RFC 5627 appendix A.2):
 * nobody can tell two of one device from two of different ones, every REGISTER can be given a new one, and the
 * network keeps nothing for each. They end with the registration, whose number is then no longer known.
 */
export class TemporaryGruus {
  readonly #key = randomBytes(16);

  /** A new temporary GRUU of a registration; undefined for an identity that is no SIP URI. */
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

  /** The number of the registration; undefined for a user part that is none of ours. */
  resolve(user: string): number | undefined {
    const block = TEMPORARY.exec(user)?.[1];
    if (block === undefined) return undefined;
    const decipher = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false);
    const plain = Buffer.concat([decipher.update(block, 'hex'), decipher.final()]);
    // Of 2^40 guesses one decrypts to these zeros.
    const genuine = plain.subarray(NUMBER_BYTES + NOISE_BYTES).every((byte) => byte === 0);
    return genuine ? plain.readUIntBE(0, NUMBER_BYTES) : undefined;
  }
}
