/** A software UICC, with a network that has the same key (3GPP TS 33.102 §6.3). */

import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../core/errors.js';
import { SoftwareUicc } from '../../../core/sip/authentication/software-uicc.js';
import { K, OPC, octets, Scscf } from './s-cscf.js';

const network = new Scscf();
const uicc = (sqn?: number) => new SoftwareUicc({ k: K, operator: { opc: OPC }, sqn });
/** A sequence number of series 0. */
const sqn = (sequence: number) => sequence * 32;

async function authenticate(card: SoftwareUicc, at: number, from = network) {
  const vector = await from.vector(at);
  return { vector, answer: await card.authenticate(vector.rand, vector.autn) };
}

describe('a UICC', () => {
  it('TS 35.208 set 1: returns RES, CK and IK', async () => {
    const { rand, autn } = await network.vector(0xff9bb4d0b607, octets('23553cbe9637a89d218ae64dae47bf35'));
    const answer = await uicc().authenticate(rand, autn);
    expect(answer).toEqual({
      result: 'authenticated',
      res: octets('a54211d5e3ba50bf'),
      ck: octets('b40ba9a3c58b2a05bbf0d987b21bf8cb'),
      ik: octets('f769bcd751044604127672711c6d3441'),
    });
  });

  it('computes OPc from OP', async () => {
    const card = new SoftwareUicc({ k: K, operator: { op: octets('cdc202d5123e20f62b6d676ac72cb318') } });
    const { vector, answer } = await authenticate(card, sqn(1));
    expect(answer).toMatchObject({ result: 'authenticated', res: vector.xres });
  });

  it('detects a network with another key, and every changed byte of AUTN', async () => {
    const card = uicc();
    expect((await authenticate(card, sqn(1), new Scscf(octets('00'.repeat(16))))).answer).toEqual({
      result: 'mac failure',
    });
    const { rand, autn } = await network.vector(sqn(1));
    for (let at = 0; at < autn.length; at++) {
      const forged = autn.map((octet, index) => (index === at ? octet ^ 1 : octet));
      expect(await card.authenticate(rand, forged)).toEqual({ result: 'mac failure' });
    }
    for (const length of [0, 1, 6, 8, 15])
      expect(await card.authenticate(rand, autn.subarray(0, length))).toEqual({ result: 'mac failure' });
    expect((await card.authenticate(rand, autn)).result).toBe('authenticated');
  });

  it('accepts no challenge twice, and returns the last sequence number in AUTS', async () => {
    const card = uicc();
    const { vector } = await authenticate(card, sqn(7));
    const again = await card.authenticate(vector.rand, vector.autn);
    if (again.result !== 'synchronisation failure') throw new Error(again.result);
    expect(again.auts).toHaveLength(14);
    expect(await network.resynchronised(vector, again.auts)).toBe(sqn(7));
    expect((await authenticate(card, sqn(8))).answer.result).toBe('authenticated');
  });

  it('TS 33.102 C.2.2: accepts challenges of other series out of order', async () => {
    const card = uicc();
    expect((await authenticate(card, sqn(9) + 1)).answer.result).toBe('authenticated');
    expect((await authenticate(card, sqn(8) + 2)).answer.result).toBe('authenticated');
    expect((await authenticate(card, sqn(8) + 1)).answer.result).toBe('synchronisation failure');
    expect((await authenticate(card, sqn(8) + 2)).answer.result).toBe('synchronisation failure');
    const { vector, answer } = await authenticate(card, sqn(7) + 2);
    if (answer.result !== 'synchronisation failure') throw new Error(answer.result);
    expect(await network.resynchronised(vector, answer.auts)).toBe(sqn(9) + 1);
  });

  it('TS 33.102 C.2.1: refuses a sequence number that is too far ahead', async () => {
    const card = uicc(sqn(100));
    expect((await authenticate(card, sqn(101 + 2 ** 28))).answer.result).toBe('synchronisation failure');
    expect((await authenticate(card, sqn(100 + 2 ** 28))).answer.result).toBe('authenticated');
  });

  it('accepts any first sequence number, unless the highest is configured', async () => {
    expect((await authenticate(uicc(), 0)).answer.result).toBe('authenticated');
    expect((await authenticate(uicc(), 2 ** 48 - 1)).answer.result).toBe('authenticated');
    expect((await authenticate(uicc(sqn(100)), sqn(100) + 5)).answer.result).toBe('synchronisation failure');
    expect((await authenticate(uicc(sqn(100)), sqn(101))).answer.result).toBe('authenticated');
  });

  it('needs keys of 16 bytes, and shows none of them', async () => {
    for (const length of [0, 15, 17, 32]) {
      const short = new Uint8Array(length);
      expect(() => new SoftwareUicc({ k: short, operator: { opc: OPC } })).toThrow(ConfigurationError);
      expect(() => new SoftwareUicc({ k: K, operator: { op: short } })).toThrow(ConfigurationError);
    }
    const { inspect } = await import('node:util');
    expect(inspect(uicc(), { depth: 10, showHidden: true }) + JSON.stringify(uicc())).not.toMatch(
      /465b|70, 91|0x46/,
    );
  });
});
