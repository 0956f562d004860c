import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { platform } from '#platform';

const octets = (text: string) => new TextEncoder().encode(text);

describe('indexOf', () => {
  it('finds the first match at or after an index', () => {
    const bytes = octets('abcabcab');
    expect(platform.indexOf(bytes, octets('abc'))).toBe(0);
    expect(platform.indexOf(bytes, octets('abc'), 1)).toBe(3);
    expect(platform.indexOf(bytes, octets('abc'), 4)).toBe(-1);
    expect(platform.indexOf(bytes, octets('abc'), 100)).toBe(-1);
    expect(platform.indexOf(bytes, octets('abcabcabc'))).toBe(-1);
  });

  it('respects the bounds of a view', () => {
    const view = octets('xxabcxxabc').subarray(1, 9);
    expect(platform.indexOf(view, octets('abc'))).toBe(1);
    expect(platform.indexOf(view, octets('abc'), 2)).toBe(-1);
  });

  it('finds the same index as a loop', () => {
    const few = fc.uint8Array({ max: 2, maxLength: 60 });
    const pattern = fc.uint8Array({ max: 2, minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(few, pattern, fc.nat(70), (bytes, wanted, from) => {
        const at = Array.from(bytes).findIndex(
          (_, index) => index >= from && wanted.every((byte, offset) => bytes[index + offset] === byte),
        );
        expect(platform.indexOf(bytes, wanted, from)).toBe(at);
      }),
    );
  });
});
