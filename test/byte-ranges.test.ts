/** The received ranges of a file, compared with a list of all its bytes. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteRanges } from '../core/byte-ranges.js';
import { MalformedError } from '../core/errors.js';

it('returns missing bytes, the contiguous length and the end, for parts in any order', () => {
  const part = fc.record({ start: fc.nat(60), length: fc.nat(12) });
  fc.assert(
    fc.property(fc.nat(10), fc.array(part, { maxLength: 30 }), (have, added) => {
      const parts = new ByteRanges(have);
      const there = Array.from({ length: 80 }, (_, index) => index < have);
      for (const { start, length } of added) {
        const missing = parts.add(start, start + length);
        const covered = new Set<number>();
        for (const { start: from, end } of missing) {
          expect(end).toBeGreaterThan(from);
          for (let at = from; at < end; at++) covered.add(at);
        }
        for (let at = start; at < start + length; at++) {
          expect(covered.has(at)).toBe(!there[at]);
          covered.delete(at);
          there[at] = true;
        }
        expect(covered.size).toBe(0);
        const contiguous = there.indexOf(false);
        expect(parts.contiguous).toBe(contiguous);
        expect(parts.end).toBe(there.lastIndexOf(true) + 1);
        expect(parts.gaps).toBe(parts.end > contiguous);
        expect(parts.covers(contiguous)).toBe(true);
        expect(parts.covers(contiguous + 1)).toBe(false);
        expect(parts.count).toBe(there.filter((received, at) => received && !there[at - 1]).length);
      }
    }),
  );
});

it('limits the number of separate parts; a part beyond the limit changes nothing', () => {
  const parts = new ByteRanges(0, 64);
  for (let part = 0; part < 64; part++) parts.add(part * 10 + 5, part * 10 + 6);
  expect(() => parts.add(1_000, 1_001)).toThrow(MalformedError);
  expect(parts.end).toBe(636);
  expect(parts.add(0, 640)).toHaveLength(65);
  expect(parts.contiguous).toBe(640);
});
