import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatMediaType,
  isMediaRange,
  matchesMediaRange,
  mediaRangesOverlap,
  parseMediaType,
  readMediaType,
} from '../../core/content/media-type.js';

describe('reading a received media type (RFC 2045 5.1)', () => {
  it.each([
    ['text/plain; charset=us-ascii (Plain (nested \\) text))', 'text/plain', { charset: 'us-ascii' }, 0],
    ['text (a) / (b) plain (c) ; (d) x (e) = (f) y', 'text/plain', { x: 'y' }, 0],
    ['a/b; name=photo 1.jpg; c=d', 'a/b', { name: 'photo 1.jpg', c: 'd' }, 1],
    ['a/b; c=1; c=2', 'a/b', { c: '1' }, 1],
    ['a/b; c; d=e', 'a/b', { d: 'e' }, 1],
    ['a/b; d=e; c="open', 'a/b', { d: 'e' }, 2],
    ['a/b x=y; c=d', 'a/b', { c: 'd' }, 1],
    ['a/b (open', 'a/b', {}, 0],
  ])('%s', (text, type, parameters, warnings) => {
    const problems: string[] = [];
    expect(readMediaType(text, (problem) => problems.push(problem))).toEqual({ type, parameters });
    expect(problems).toHaveLength(warnings);
  });

  it.each([
    'text',
    'text/*',
    '(a)',
    'message/external-body; access-type=URL; size=1 2',
    'message/external-body;size=1;size=2',
  ])('refuses %s', (text) => {
    expect(readMediaType(text)).toBeUndefined();
  });
});

describe('parsing a media type (RFC 2045 5.1)', () => {
  it.each([
    ['text/plain', 'text/plain', {}],
    ['Text/VND.wap.SI', 'text/vnd.wap.si', {}],
    ['text/plain; charset=utf-8', 'text/plain', { charset: 'utf-8' }],
    ['text/plain ; Charset = "UTF-8" ;', 'text/plain', { charset: 'UTF-8' }],
    ['a/b;x="semi;colon, \\"quote\\" \\\\"', 'a/b', { x: 'semi;colon, "quote" \\' }],
    ['application/vnd.oma.dcd+xml;version=1', 'application/vnd.oma.dcd+xml', { version: '1' }],
    ['a/b;x=""', 'a/b', { x: '' }],
    ['a/b;__proto__=x', 'a/b', JSON.parse('{"__proto__":"x"}')],
  ])('%s', (text, type, parameters) => {
    expect(parseMediaType(text)).toEqual({ type, parameters });
  });

  it.each([
    '',
    'text',
    'text/',
    '/plain',
    'text/plain/more',
    'text/plain charset=utf-8',
    'text/plain;charset',
    'text/plain;charset=',
    'text/plain;=x',
    'text/plain;a="open',
    'text/plain;a=b;a=c',
    'text/*',
    '*/*',
    'text/pl\u00e4in',
    `text/${'a'.repeat(5000)}`,
  ])('refuses %j', (text) => {
    expect(parseMediaType(text)).toBeUndefined();
  });

  it('takes linear time for malicious text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const parsed = parseMediaType(text);
        if (parsed) expect(parsed.type).toMatch(/^[^/]+\/[^/]+$/);
      }),
    );
    // Quadratic time would exceed the deadline of the test.
    parseMediaType(`a/b${';a="\\'.repeat(300_000)}`);
  });
});

describe('formatting a media type', () => {
  it('is parsed back', () => {
    const token = fc.stringMatching(/^[a-z0-9!#$&^_.+-]{1,20}$/);
    const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\uffff]{0,40}$/);
    fc.assert(
      fc.property(token, token, fc.dictionary(token, value, { maxKeys: 4 }), (type, subtype, parameters) => {
        const mediaType = { type: `${type}/${subtype}`, parameters: { ...parameters } };
        expect(parseMediaType(formatMediaType(mediaType))).toEqual(mediaType);
      }),
    );
  });

  it('replaces line ends', () => {
    const written = formatMediaType({ type: 'a/b', parameters: { x: 'one\r\nVia: two\0' } });
    expect(written).toBe('a/b;x="one  Via: two "');
  });
});

describe('a media range', () => {
  it.each(['text/plain', 'image/*', '*/*', 'application/vnd.wap.mms-message'])('%s is valid', (text) => {
    expect(isMediaRange(text)).toBe(true);
  });

  it.each(['', 'text', 'text/', '/x', '*/plain', 'text/pl*', 'text/plain;a=b', 'a/b/c', 'a b/c'])(
    'refuses %j',
    (text) => {
      expect(isMediaRange(text)).toBe(false);
    },
  );

  it.each([
    ['image/*', 'image/png', true],
    ['image/*', 'IMAGE/PNG; x=y', true],
    ['image/*', 'imagery/png', false],
    ['*/*', 'image/png', true],
    ['*/*', '', false],
    ['text/plain', 'text/plain;charset=utf-8', true],
    ['text/plain', 'text/plainer', false],
    ['text/*', 'text', false],
  ])('%s includes %j: %s', (range, type, included) => {
    expect(matchesMediaRange(range, type)).toBe(included);
  });

  it.each([
    ['image/*', 'image/png', true],
    ['image/png', 'image/*', true],
    ['image/*', 'image/*', true],
    ['*/*', 'text/*', true],
    ['image/*', 'text/*', false],
    ['image/png', 'image/gif', false],
  ])('%s and %s overlap: %s', (one, other, overlap) => {
    expect(mediaRangesOverlap(one, other)).toBe(overlap);
  });
});
