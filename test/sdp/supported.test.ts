import { expect, it } from 'vitest';
import { MalformedError } from '../../core/errors.js';
import { buildSupported, parseSupported } from '../../core/sdp/index.js';
import { bytes, fixture, mediaLines } from './fixture.js';

it('8.2.1-01: a 488 lists the accepted types and the largest size', () => {
  const supported = { acceptTypes: ['image/*', 'text/vnd.wap.si'], maxSize: 300_000 };
  const body = buildSupported({ host: '192.0.2.9', ...supported });
  expect(mediaLines(body)).toEqual([
    'message 0 TCP/MSRP *',
    'a=accept-types:image/* text/vnd.wap.si',
    'a=max-size:300000',
    'a=file-selector',
  ]);
  expect(parseSupported(body)).toEqual(supported);
});

it('parses the capabilities of other agents (RFC 5547 §8.5)', () => {
  expect(parseSupported(fixture('valid', 'rfc5547-8.5-capability'))).toEqual({
    acceptTypes: ['image/*', 'text/vnd.wap.si'],
    maxSize: 300_000,
  });
});

it('combines the lines for MSRP, and ignores other media', () => {
  const head = ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 't=0 0'];
  const one = ['m=message 0 TCP/MSRP *', 'a=accept-types:a/b c/d', 'a=max-size:10'];
  const other = ['m=message 0 TCP/TLS/MSRP *', 'a=accept-types:c/d', 'a=max-size:20'];
  expect(parseSupported(bytes(...head, ...one, 'm=audio 0 RTP/AVP 0', ...other))).toEqual({
    acceptTypes: ['a/b', 'c/d'],
    maxSize: 20,
  });
  expect(parseSupported(bytes(...head, 'm=audio 0 RTP/AVP 0'))).toBeUndefined();
  expect(() => parseSupported(bytes())).toThrow(MalformedError);
});
