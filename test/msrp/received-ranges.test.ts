import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReceivedRanges } from '../../core/msrp/messages/received-ranges.js';

const SIZE = 40;

it('knows what is missing, whatever came in whatever order', () => {
  const range = fc.tuple(fc.nat(SIZE), fc.nat(10));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), fc.nat(SIZE), (added, size) => {
      const ranges = new ReceivedRanges();
      const here = new Set<number>();
      for (const [start, length] of added) {
        ranges.add(start, start + length);
        for (let at = start; at < start + length; at++) here.add(at);
      }
      const parts = [...here].filter((at) => !here.has(at - 1)).length;
      expect(ranges.count).toBe(parts);
      expect(ranges.cover(size)).toBe(
        Array.from({ length: size }, (_, at) => at).every((at) => here.has(at)),
      );
    }),
  );
});
