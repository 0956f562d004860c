import { expect, it } from 'vitest';
import { platform } from '#platform';

it.each([
  ['md5', '900150983cd24fb0d6963f7d28e17f72'],
  ['sha-1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha-256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['sha-512-256', '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23'],
] as const)('%s of "abc", as text and as bytes (FIPS 180-4, RFC 1321)', (algorithm, digest) => {
  expect(platform.hash(algorithm, 'abc')).toBe(digest);
  expect(platform.hash(algorithm, new Uint8Array([0x61, 0x62, 0x63]))).toBe(digest);
});

it('randomHex returns the requested number of octets, and different ones each time', () => {
  const drawn = Array.from({ length: 10_000 }, () => platform.randomHex(16));
  for (const text of drawn) expect(text).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(drawn).size).toBe(drawn.length);
  expect(platform.randomHex(0)).toBe('');
  expect(platform.randomHex(10_000)).toMatch(/^[0-9a-f]{20000}$/);
});
