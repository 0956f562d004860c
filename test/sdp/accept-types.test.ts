import { describe, expect, it } from 'vitest';
import { acceptsType, formatAcceptTypes, parseAcceptTypes } from '../../core/sdp/media.js';

describe('accept-types (RFC 4975 §8.6)', () => {
  it.each([
    ['text/plain', 'text/plain', true],
    ['text/plain', 'TEXT/Plain;charset=utf-8', true],
    ['text/plain;charset=utf-8', 'text/plain', true],
    ['image/*', 'image/png', true],
    ['image/*', 'imagex/png', false],
    ['image/*', 'text/plain', false],
    ['*', 'application/vnd.wap.mms-message', true],
    ['text/html *', 'application/vnd.wap.mms-message', true],
    ['*', 'nonsense', false],
    ['*', '', false],
    ['', 'text/plain', false],
    ['text/plain', 'text/plainer', false],
  ])('8.2.1-01: %j accepts %j: %s', (value, type, accepted) => {
    expect(acceptsType(parseAcceptTypes(value), type)).toBe(accepted);
  });

  it('writes the range of all types as `*`, and parses both forms', () => {
    expect(formatAcceptTypes(['*/*', 'image/*'])).toBe('* image/*');
    expect(acceptsType(['*/*'], 'image/png')).toBe(true);
  });

  it('does not split a type at spaces in quotes', () => {
    expect(parseAcceptTypes('a/b;c="d e"  f/g\t"')).toEqual(['a/b;c="d e"', 'f/g']);
  });
});
