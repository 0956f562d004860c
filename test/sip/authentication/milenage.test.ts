/** Milenage with the test sets of 3GPP TS 35.208 §4.3. */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Milenage } from '../../../core/sip/authentication/milenage.js';

interface TestSet {
  set: number;
  k: string;
  rand: string;
  sqn: string;
  amf: string;
  op: string;
  opc: string;
  f1: string;
  f1Star: string;
  f2: string;
  f3: string;
  f4: string;
  f5: string;
  f5Star: string;
}

const octets = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const fixtures = new URL('fixtures/ts35.208.json', import.meta.url);
const sets: TestSet[] = JSON.parse(await readFile(fixtures, 'utf8'));

async function computed(milenage: Milenage, { rand, sqn, amf }: TestSet) {
  const random = octets(rand);
  const { f1, f1Star } = await milenage.f1(random, octets(sqn), octets(amf));
  const { f2, f5 } = await milenage.f2f5(random);
  return {
    f1: hex(f1),
    f1Star: hex(f1Star),
    f2: hex(f2),
    f3: hex(await milenage.f3(random)),
    f4: hex(await milenage.f4(random)),
    f5: hex(f5),
    f5Star: hex(await milenage.f5Star(random)),
  };
}

describe('TS 35.208', () => {
  it.each(sets)('E.1.3-01: test set $set, with OP and with OPc', async (each) => {
    const { set, k, rand, sqn, amf, op, opc, ...expected } = each;
    expect(await computed(await Milenage.of(octets(k), { opc: octets(opc) }), each)).toEqual(expected);
    expect(await computed(await Milenage.of(octets(k), { op: octets(op) }), each)).toEqual(expected);
  });
});
