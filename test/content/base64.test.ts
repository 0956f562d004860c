import { decodeBase64, encodeBase64 } from 'sip-push/formats';
import { describe, expect, it } from 'vitest';

describe('base64', () => {
  // RFC 4648 10.
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foobar', 'Zm9vYmFy'],
  ])('%j is %j', (text, written) => {
    const octets = new TextEncoder().encode(text);
    expect(encodeBase64(octets)).toBe(written);
    expect(decodeBase64(written)).toEqual(octets);
  });

  it('encodes every octet, for any length', () => {
    const octets = Uint8Array.from({ length: 100_000 }, (_, index) => index & 0xff);
    expect(decodeBase64(encodeBase64(octets))).toEqual(octets);
  });

  it.each(['Zg', 'Zg=', 'Zh==', ' Zg==', 'Z-8=', 'Zm9v\n', 'é'])('refuses %j', (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
