import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatByteRange, parseByteRange } from '../../core/msrp/frames/frame.js';

describe('Byte-Range (RFC 4975 §7.1, §9)', () => {
  it.each([
    ['1-16/16', 1, 16, 16],
    ['2049-4385/4385', 2049, 4385, 4385],
    ['1-*/*', 1, undefined, undefined],
    ['11-*/2097152', 11, undefined, 2_097_152],
    ['1-10/*', 1, 10, undefined],
    ['1-0/0', 1, 0, 0],
    ['01-05/0010', 1, 5, 10],
    ['11-10/10', 11, 10, 10],
  ])('parses %s', (text, start, end, total) => {
    expect(parseByteRange(text)).toEqual({ start, end, total });
  });

  it.each([
    ...[
      '',
      '1',
      '1-2',
      '-2/3',
      '1-/3',
      '1-2/',
      '*-2/3',
      '1-2/3 ',
      ' 1-2/3',
      '1 - 2/3',
      '+1-2/3',
      '1-2/3x',
      '1.0-2/3',
    ],
    ...[
      '0-0/0',
      '0-1/2',
      '5-3/10',
      '1-11/10',
      '12-11/10',
      '12-*/10',
      '9007199254740993-*/*',
      '1-*/9007199254740993',
    ],
  ])('rejects %j', (text) => {
    expect(parseByteRange(text)).toBeUndefined();
  });

  it('survives a round trip', () => {
    const size = fc.integer({ min: 0, max: 2 ** 52 });
    fc.assert(
      fc.property(size, size, size, fc.boolean(), fc.boolean(), (a, b, c, ended, whole) => {
        const [first = 0, last = 0, total = 0] = [a, b, c].sort((x, y) => x - y);
        const range = { start: first + 1, end: ended ? last : undefined, total: whole ? total : undefined };
        expect(parseByteRange(formatByteRange(range))).toEqual(range);
      }),
    );
  });
});
