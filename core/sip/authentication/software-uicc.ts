/** The UICC of a subscriber, and its implementation in software. */

import { ConfigurationError } from '../../errors.js';
import { BLOCK, equal, Milenage, xor } from './milenage.js';

/** The answer of a UICC to a challenge of the network (3GPP TS 33.102 §6.3.3). */
export type UiccAnswer =
  | {
      /** The challenge is valid. */
      result: 'authenticated';
      /** RES, the answer to the challenge. */
      res: Uint8Array;
      /** CK. This package does not use it. */
      ck: Uint8Array;
      /** IK. This package does not use it. */
      ik: Uint8Array;
    }
  | {
      /** The sequence number was used before, or is too far ahead. */
      result: 'synchronisation failure';
      /** AUTS, 14 bytes, which contains the last sequence number. */
      auts: Uint8Array;
    }
  | {
      /** The challenge is not from the subscriber's network. */
      result: 'mac failure';
    };

/** The UICC of a subscriber, which holds the key. Implement it for a card reader or a modem. */
export interface Uicc {
  /** AUTHENTICATE (3GPP TS 31.103 §7.1). @param rand 16 bytes. @param autn 16 bytes. */
  authenticate(rand: Uint8Array, autn: Uint8Array): Promise<UiccAnswer>;
}

/** §C.3.2: the lowest five bits are an index, so that the last number of each of 32 series is stored. */
const SERIES = 32;
/** §C.3.2: the largest step, so that a forged or wrong number does not use up the range. */
const MAX_STEP = 2 ** 28;

/** The sequence numbers that a UICC accepts (3GPP TS 33.102 §C.2): each once, although challenges can arrive out of order. */
export class SequenceNumbers {
  readonly #last: number[];
  #highest: number;
  /** No number is known yet. */
  #fresh: boolean;

  /** @param highest of 48 bits. */
  constructor(highest?: number) {
    this.#highest = highest ?? 0;
    this.#fresh = highest === undefined;
    this.#last = new Array<number>(SERIES).fill(this.#fresh ? -1 : Math.floor(this.#highest / SERIES));
  }

  /** The highest accepted so far. */
  get highest(): number {
    return this.#highest;
  }

  accept(sqn: number): boolean {
    const series = sqn % SERIES;
    const sequence = Math.floor(sqn / SERIES);
    const ahead = sequence - Math.floor(this.#highest / SERIES);
    if (sequence <= (this.#last[series] ?? 0) || (!this.#fresh && ahead > MAX_STEP)) return false;
    this.#fresh = false;
    this.#last[series] = sequence;
    this.#highest = Math.max(this.#highest, sqn);
    return true;
  }
}

/** The content of the card. */
export interface SoftwareUiccOptions {
  /** K, 16 bytes. */
  k: Uint8Array;
  /** The operator's value. */
  operator:
    | {
        /** OPc, 16 bytes. */
        opc: Uint8Array;
      }
    | {
        /** OP, 16 bytes, from which OPc is computed. */
        op: Uint8Array;
      };
  /**
   * The highest sequence number that was used: only higher ones are accepted. By default any first number is
   * accepted.
   */
  sqn?: number;
}

/** 3GPP TS 33.102 §6.3.3: in a resynchronisation AMF is zero. */
const AMF_OF_RESYNCHRONISATION = new Uint8Array(2);
const SQN_OCTETS = 6;

/**
 * A UICC in software, with Milenage (3GPP TS 35.206), for configurations and tests. Unlike a card, it forgets accepted
 * sequence numbers when the process ends: a replayed challenge then gets the same RES. The CK and IK of a replay protect nothing in this
 * package.
 */
export class SoftwareUicc implements Uicc {
  readonly #milenage: Promise<Milenage>;
  readonly #sequence: SequenceNumbers;

  /** @throws ConfigurationError if a key does not have 16 bytes. */
  constructor({ k, operator, sqn }: SoftwareUiccOptions) {
    const code = 'opc' in operator ? operator.opc : operator.op;
    if (k.length !== BLOCK || code.length !== BLOCK) {
      throw new ConfigurationError(
        `invalid UICC: expected a key and an operator code of ${BLOCK} bytes each`,
      );
    }
    this.#milenage = Milenage.of(k, operator);
    this.#sequence = new SequenceNumbers(sqn);
  }

  /** Checks the MAC of the challenge, then its sequence number (3GPP TS 33.102 §6.3.3). */
  async authenticate(rand: Uint8Array, autn: Uint8Array): Promise<UiccAnswer> {
    const milenage = await this.#milenage;
    const { f2: res, f5: ak } = await milenage.f2f5(rand);
    const sqn = xor(autn.subarray(0, SQN_OCTETS), ak);
    const amf = autn.subarray(SQN_OCTETS, SQN_OCTETS + 2);
    const { f1 } = await milenage.f1(rand, sqn, amf);
    if (!equal(f1, autn.subarray(SQN_OCTETS + 2))) return { result: 'mac failure' };
    const [ck, ik] = [await milenage.f3(rand), await milenage.f4(rand)];
    if (!this.#sequence.accept(numberOf(sqn))) return await this.#synchronisationFailure(milenage, rand);
    return { result: 'authenticated', res, ck, ik };
  }

  async #synchronisationFailure(milenage: Milenage, rand: Uint8Array): Promise<UiccAnswer> {
    const sqn = octetsOf(this.#sequence.highest);
    const { f1Star } = await milenage.f1(rand, sqn, AMF_OF_RESYNCHRONISATION);
    const concealed = xor(sqn, await milenage.f5Star(rand));
    return { result: 'synchronisation failure', auts: Uint8Array.of(...concealed, ...f1Star) };
  }
}

function numberOf(octets: Uint8Array): number {
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}

function octetsOf(sqn: number): Uint8Array {
  return Uint8Array.from(
    { length: SQN_OCTETS },
    (_, at) => Math.floor(sqn / 256 ** (SQN_OCTETS - 1 - at)) % 256,
  );
}
