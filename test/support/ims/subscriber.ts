/** A subscriber in the HSS: its UICC, its public identities, and its state (3GPP TS 33.102 §6.3, TS 29.228). */

import { randomBytes } from 'node:crypto';
import { equal, Milenage, xor } from '../../../core/sip/authentication/milenage.js';
import { type ApplicationServer, filterCriteria } from './filter-criteria.js';

export interface SubscriberKeys {
  /** Hexadecimal. */
  k: string;
  opc: string;
}

export interface SubscriberOptions {
  /** Private identity. */
  impi: string;
  /** Public identities: an implicit registration set. */
  impus: readonly string[];
  keys: SubscriberKeys;
  applicationServers?: readonly ApplicationServer[];
}

export interface AuthenticationVector {
  /** RAND and AUTN. */
  challenge: Uint8Array;
  xres: Uint8Array;
  ck: Uint8Array;
  ik: Uint8Array;
}

const AMF = octets('8000');
/** TS 33.102 §C.3.2: the lowest five bits of a SQN are an index. One of the 32 series is sufficient. */
const SQN_STEP = 32;
const FIRST_SQN = 1024;

export class Subscriber {
  readonly impi: string;
  readonly impus: readonly string[];
  /** URI of the S-CSCF. */
  server = '';
  registered = false;
  sqn = FIRST_SQN;
  /** The HSS has a wrong K: the UICC refuses AUTN. */
  wrongKey = false;
  /** The HSS sends a wrong XRES: the S-CSCF refuses the RES of the UICC. */
  wrongResult = false;
  readonly #options: SubscriberOptions;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.impi = options.impi;
    this.impus = options.impus;
  }

  async vector(): Promise<AuthenticationVector> {
    this.sqn += SQN_STEP;
    const { wrongResult } = this;
    const milenage = await this.#milenage(this.wrongKey);
    const rand = new Uint8Array(randomBytes(16));
    const sqn = octets(this.sqn.toString(16).padStart(12, '0'));
    const { f2, f5 } = await milenage.f2f5(rand);
    const { f1 } = await milenage.f1(rand, sqn, AMF);
    return {
      challenge: Uint8Array.of(...rand, ...xor(sqn, f5), ...AMF, ...f1),
      xres: wrongResult ? new Uint8Array(8) : f2,
      ck: await milenage.f3(rand),
      ik: await milenage.f4(rand),
    };
  }

  /** Adopts the SQN of the UICC (TS 33.102 §6.3.5). False if the AUTS is not of this UICC. */
  async resynchronise(rand: Uint8Array, auts: Uint8Array): Promise<boolean> {
    const milenage = await this.#milenage(false);
    const sqn = xor(auts.subarray(0, 6), await milenage.f5Star(rand));
    const { f1Star } = await milenage.f1(rand, sqn, new Uint8Array(2));
    if (!equal(f1Star, auts.subarray(6, 14))) return false;
    this.sqn = Number.parseInt(Buffer.from(sqn).toString('hex'), 16);
    return true;
  }

  /** The User-Data of a Server-Assignment-Answer (TS 29.228 annex B). */
  profile(): string {
    const identities = this.impus.map(
      (impu) =>
        `<PublicIdentity><BarringIndication>0</BarringIndication><Identity>${impu}</Identity></PublicIdentity>`,
    );
    const criteria = filterCriteria(this.#options.applicationServers ?? []);
    return (
      `<?xml version="1.0"?><IMSSubscription><PrivateID>${this.impi}</PrivateID>` +
      `<ServiceProfile>${identities.join('')}${criteria}</ServiceProfile></IMSSubscription>`
    );
  }

  async #milenage(wrong: boolean): Promise<Milenage> {
    const { k, opc } = this.#options.keys;
    const key = octets(k);
    return await Milenage.of(wrong ? key.map((octet) => octet ^ 0xff) : key, { opc: octets(opc) });
  }
}

function octets(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
