/** The network side of IMS AKA: an S-CSCF with its HSS, for one subscriber (3GPP TS 33.203, RFC 3310). */

import { createHash, randomBytes } from 'node:crypto';
import { parseAuthParameters } from '../../../core/sip/authentication/digest.js';
import { equal, Milenage, xor } from '../../../core/sip/authentication/milenage.js';
import type { Received } from '../../support/sip/scripted-core.js';

/** Keys of test set 1 of TS 35.208. */
export const K = octets('465b5ce8b199b49faa5f0a2ee238a6bc');
export const OPC = octets('cd63cb71954a9f4e48a5994e37a02baf');
const AMF = octets('8000');

export function octets(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function sqnOctets(sqn: number): Uint8Array {
  return octets(sqn.toString(16).padStart(12, '0'));
}

export interface Vector {
  rand: Uint8Array;
  autn: Uint8Array;
  xres: Uint8Array;
}

export class Scscf {
  readonly #milenage: Promise<Milenage>;

  constructor(k = K) {
    this.#milenage = Milenage.of(k, { opc: OPC });
  }

  async vector(sqn: number, rand: Uint8Array = new Uint8Array(randomBytes(16))): Promise<Vector> {
    const milenage = await this.#milenage;
    const { f2: xres, f5: ak } = await milenage.f2f5(rand);
    const { f1 } = await milenage.f1(rand, sqnOctets(sqn), AMF);
    return { rand, autn: Uint8Array.of(...xor(sqnOctets(sqn), ak), ...AMF, ...f1), xres };
  }

  /** The value of a WWW-Authenticate header. */
  challenge({ rand, autn }: Vector, algorithm = 'AKAv1-MD5', more = ''): string {
    const nonce = Buffer.concat([rand, autn, Buffer.from('server data')]).toString('base64');
    return `Digest realm="domain.test", nonce="${nonce}", algorithm=${algorithm}, qop="auth,auth-int"${more}`;
  }

  /** The SQN of an AUTS, if its UICC has the key of the subscriber. */
  async resynchronised({ rand }: Vector, auts: Uint8Array): Promise<number | undefined> {
    const milenage = await this.#milenage;
    const sqn = xor(auts.subarray(0, 6), await milenage.f5Star(rand));
    const { f1Star } = await milenage.f1(rand, sqn, new Uint8Array(2));
    return equal(f1Star, auts.subarray(6))
      ? Number.parseInt(Buffer.from(sqn).toString('hex'), 16)
      : undefined;
  }
}

/** Parameters of the Authorization of a request. */
export function authorizationOf({ request }: Received): ReadonlyMap<string, string> {
  const [credentials] = parseAuthParameters(request.headers.get('Authorization') ?? '') ?? [];
  return credentials?.parameters ?? new Map();
}

/** RFC 2617 §3.2.2, computed independently of the code of the package. */
export function responseFor(received: Received, password: Uint8Array): string {
  const authorization = authorizationOf(received);
  const value = (name: string) => authorization.get(name) ?? '';
  const md5 = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  const ha1 = md5(`${value('username')}:${value('realm')}:`, password);
  const ha2 = md5(`${received.request.method}:${value('uri')}`);
  return md5([ha1, value('nonce'), value('nc'), value('cnonce'), value('qop'), ha2].join(':'));
}
