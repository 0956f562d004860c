/** Milenage (3GPP TS 35.206), and operations on octet strings of one length. */

export function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((octet, index) => octet ^ (other[index] ?? 0));
}

/** Constant time, so that the duration does not show where they differ. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const octet of xor(one, other)) difference |= octet;
  return difference === 0;
}

/** Bytes of K, OP, RAND, and of a block of the cipher. */
export const BLOCK = 16;

const ZERO = new Uint8Array(BLOCK);

/** r1 to r5 in bytes, and the last byte of c1 to c5, whose other bytes are zero (4.1). */
const ROTATIONS = { 1: 8, 2: 0, 3: 4, 4: 8, 5: 12 } as const;
const CONSTANTS = { 1: 0, 2: 1, 3: 2, 4: 4, 5: 8 } as const;
type Output = keyof typeof ROTATIONS;

/** Milenage (3GPP TS 35.206): the functions that a UICC and its network compute from their shared key. */
export class Milenage {
  private constructor(
    private readonly encrypt: (block: Uint8Array) => Promise<Uint8Array>,
    private readonly opc: Uint8Array,
  ) {}

  /** @param k 16 bytes. @param operator OPc, or OP, from which it is computed; 16 bytes. */
  static async of(k: Uint8Array, operator: { opc: Uint8Array } | { op: Uint8Array }): Promise<Milenage> {
    const encrypt = await cipher(k);
    const opc = 'opc' in operator ? operator.opc : xor(operator.op, await encrypt(operator.op));
    return new Milenage(encrypt, opc);
  }

  /** MAC-A, and MAC-S. @param sqn 6 bytes. @param amf 2 bytes. */
  async f1(
    rand: Uint8Array,
    sqn: Uint8Array,
    amf: Uint8Array,
  ): Promise<{ f1: Uint8Array; f1Star: Uint8Array }> {
    const input = Uint8Array.of(...sqn, ...amf, ...sqn, ...amf);
    const mixed = xor(rotated(xor(input, this.opc), ROTATIONS[1]), await this.#temp(rand));
    const output = await this.#output(mixed, 1);
    return { f1: output.subarray(0, 8), f1Star: output.subarray(8) };
  }

  /** RES: 8 bytes. AK: 6 bytes. */
  async f2f5(rand: Uint8Array): Promise<{ f2: Uint8Array; f5: Uint8Array }> {
    const output = await this.#of(rand, 2);
    return { f2: output.subarray(8), f5: output.subarray(0, 6) };
  }

  /** CK. */
  async f3(rand: Uint8Array): Promise<Uint8Array> {
    return await this.#of(rand, 3);
  }

  /** IK. */
  async f4(rand: Uint8Array): Promise<Uint8Array> {
    return await this.#of(rand, 4);
  }

  /** AK of a resynchronisation: 6 bytes. */
  async f5Star(rand: Uint8Array): Promise<Uint8Array> {
    return (await this.#of(rand, 5)).subarray(0, 6);
  }

  async #of(rand: Uint8Array, output: Output): Promise<Uint8Array> {
    const mixed = rotated(xor(await this.#temp(rand), this.opc), ROTATIONS[output]);
    return await this.#output(mixed, output);
  }

  async #output(mixed: Uint8Array, output: Output): Promise<Uint8Array> {
    const constant = new Uint8Array(BLOCK);
    constant[BLOCK - 1] = CONSTANTS[output];
    return xor(await this.encrypt(xor(mixed, constant)), this.opc);
  }

  #temp(rand: Uint8Array): Promise<Uint8Array> {
    return this.encrypt(xor(rand, this.opc));
  }
}

/** Rotates to the left. */
function rotated(block: Uint8Array, octets: number): Uint8Array {
  return Uint8Array.of(...block.subarray(octets), ...block.subarray(0, octets));
}

/**
 * AES of one block. Web Crypto has no ECB on any platform: the first block of CBC with a zero vector is the same.
 */
async function cipher(k: Uint8Array): Promise<(block: Uint8Array) => Promise<Uint8Array>> {
  const name = 'AES-CBC';
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(k), name, false, ['encrypt']);
  return async (block) => {
    const encrypted = await crypto.subtle.encrypt({ name, iv: ZERO }, key, Uint8Array.from(block));
    return new Uint8Array(encrypted, 0, BLOCK);
  };
}
