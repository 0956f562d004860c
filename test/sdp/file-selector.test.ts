import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { formatFileSelector, parseFileSelector } from '../../core/sdp/file-selector.js';
import { SHA1 } from './samples.js';

describe('file-selector (RFC 5547 §6)', () => {
  it.each([
    ['name:"x.jpg"', { name: 'x.jpg' }],
    ['name:"a%22b%0D%0A%25.jpg"', { name: 'a"b\r\n%.jpg' }],
    ['name:"gr%C3%BC%C3%9Fe.txt"', { name: 'grüße.txt' }],
    ['name:"grüße.txt"', { name: 'grüße.txt' }],
    ['name:"100% sure.txt"', { name: '100% sure.txt' }],
    ['name:"%FF.txt"', { name: '\ufffd.txt' }],
    ['name:"size:7 x"', { name: 'size:7 x' }],
    ['name:"../../etc/passwd"', { name: '../../etc/passwd' }],
    ['name:photo.jpg size:7', { name: 'photo.jpg', size: 7 }],
    ['size:7 name:"x" type:image/png', { name: 'x', type: 'image/png', size: 7 }],
    ['type:text/plain;charset="utf-8" size:0', { type: 'text/plain;charset=utf-8', size: 0 }],
    ['type:text/plain; charset=utf-8 size:0', { type: 'text/plain;charset=utf-8', size: 0 }],
    ['type:text/plain;x="a%22b c"', { type: 'text/plain;x="a\\"b c"' }],
    ['hash:SHA-1:72:24:5f:e8:65:3d:da:f3:71:36:2f:86:d4:71:91:3e:e4:a2:ce:2e', { sha1: SHA1 }],
    ['hash:sha-256:AB:CD', { digests: [{ algorithm: 'sha-256', value: 'abcd' }] }],
    ['colour:red name:"x" "stray" shape:"a b" size:1', { name: 'x', size: 1 }],
    ['name:"first" name:"second"', { name: 'first' }],
    ['', {}],
  ])('%s', (value, selector) => {
    expect(parseFileSelector(value)).toEqual(selector);
  });

  it('writes percent-encoding in quotes, and upper-case octets with colons', () => {
    const digests = [{ algorithm: 'sha-256', value: 'abcd' }];
    expect(
      formatFileSelector({ name: 'a"\0\r\n%\x7f.jpg', type: 'text/plain;a="b\\"c"', size: 7, digests }),
    ).toBe('name:"a%22%00%0D%0A%25%7F.jpg" type:text/plain;a="b%22c" size:7 hash:sha-256:AB:CD');
  });

  it('reads blanks once, even before a character that is not part of a selector', () => {
    const exec = vi.spyOn(RegExp.prototype, 'exec');
    try {
      expect(parseFileSelector(`x${' '.repeat(4000)}\u00a0 size:7`)).toEqual({ size: 7 });
      expect(exec.mock.calls.length).toBeLessThan(20);
    } finally {
      exec.mockRestore();
    }
  });

  it('any name, type, size and digest survives a round trip', () => {
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
    const selectors = fc.record(
      {
        name: fc.string({ unit: 'binary' }),
        type: fc.constantFrom('image/png', 'text/plain;charset=utf-8', 'a/b;c="d e";f="\\"\\\\"'),
        size: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        sha1: hex(40),
        digests: fc.array(fc.record({ algorithm: fc.constant('sha-256'), value: hex(64) }), { minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(selectors, (selector) => {
        const written = formatFileSelector(selector);
        expect(written).not.toMatch(/\p{Cc}/u);
        expect(parseFileSelector(written)).toEqual(selector);
      }),
    );
  });
});
