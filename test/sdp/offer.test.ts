import { describe, expect, it } from 'vitest';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { buildOffer, newOrigin, nextOrigin, parseOffer } from '../../core/sdp/index.js';
import { bytes, fixture, fixtureNames, mediaLines, text } from './fixture.js';
import { offerLine, offerOf, origin, SHA1 } from './samples.js';

describe('parseOffer', () => {
  it('8.2.1-04: parses the sample of appendix B.4 as printed: spaces after colons, a folded selector', () => {
    const { origin: from, media } = parseOffer(fixture('valid', 'oma-b4-1-offer'));
    expect(from).toEqual({ id: '2890844526', version: '2890844526' });
    expect(media).toEqual([
      {
        type: 'message',
        port: 7654,
        protocol: 'TCP/MSRP',
        formats: '*',
        host: 'psa.domain.com',
        path: ['msrp://psa.domain.com:7654/a3cd20b8ae7f;tcp'],
        acceptTypes: ['application/vnd.oma.push'],
        acceptWrappedTypes: [],
        direction: 'sendonly',
        setup: 'passive',
        fingerprints: [],
        file: {
          selector: {
            name: 'pushid-a3cd20b8ae7f',
            type: 'application/vnd.oma.push',
            size: 4092,
            sha1: SHA1,
          },
          transferId: 'a3cd20b8ae7f',
        },
      },
    ]);
  });

  it('8.2.2-05: parses the file of RFC 5547 §9.1, with its dates and range', () => {
    const [media] = parseOffer(fixture('valid', 'rfc5547-9.1-offer')).media;
    expect(media).toMatchObject({
      description: 'This is my latest picture',
      acceptTypes: ['message/cpim'],
      acceptWrappedTypes: ['*'],
      file: {
        selector: { name: 'My cool picture.jpg', type: 'image/jpeg', size: 32349, sha1: SHA1 },
        transferId: 'vBnG916bdberum2fFEABR1FR3ExZMUrd',
        disposition: 'attachment',
        date: { creation: new Date('2006-05-15T12:01:31Z') },
        range: { start: 1, end: 32349 },
      },
    });
  });

  it('parses a requested file with the opposite direction (RFC 5547 §9.2)', () => {
    const [media] = parseOffer(fixture('valid', 'rfc5547-9.2-pull')).media;
    expect(media).toMatchObject({ direction: 'recvonly', file: { selector: { sha1: SHA1 } } });
  });

  it('parses a line without direction and setup (RFC 4975 §4)', () => {
    const [media] = parseOffer(fixture('valid', 'rfc4975-4-offer')).media;
    expect(media).toMatchObject({ direction: 'sendrecv', acceptTypes: ['text/plain'] });
    expect(media).toMatchObject({ setup: undefined });
    expect(media).not.toHaveProperty('file');
  });

  it('parses types with parameters, and max-size (RFC 4975 §8)', () => {
    const [media] = parseOffer(fixture('valid', 'rfc4975-8-types')).media;
    expect(media).toMatchObject({
      acceptTypes: ['message/cpim', 'text/plain', 'text/html'],
      acceptWrappedTypes: ['text/*', 'image/jpeg;x="a b"', '*'],
      maxSize: 8192,
    });
  });

  it('8.2.1-11: parses a path through a relay, over TLS, with all fingerprints of the certificate (RFC 8122 §5)', () => {
    const [media] = parseOffer(fixture('valid', 'rfc4976-relays')).media;
    expect(media).toMatchObject({
      protocol: 'TCP/TLS/MSRP',
      path: ['msrps://intra.example.com:9000/jui787s2f;tcp', 'msrps://alice.example.com:7965/bar;tcp'],
      fingerprints: [
        expect.stringMatching(/^sha-1 4A:AD:B9:/),
        expect.stringMatching(/^sha-256 4A:AD:B9:.*:DF$/),
      ],
    });
  });

  it('applies attributes of the session to lines without their own, and keeps other media for the answer', () => {
    const { timing, media } = parseOffer(fixture('valid', 'session-level'));
    expect(timing).toEqual({ start: 3034423619, stop: 3042462419 });
    expect(media[0]).toEqual({
      type: 'audio',
      port: 49170,
      protocol: 'UDP/MBMS-FEC/RTP/AVP',
      formats: '0 8',
    });
    expect(media[1]).toMatchObject({
      host: '2001:db8::1',
      direction: 'sendonly',
      setup: 'actpass',
      maxSize: 1000,
    });
    expect(media[2]).toMatchObject({
      host: '192.0.2.7',
      protocol: 'TCP/MSRP',
      direction: 'inactive',
      setup: 'passive',
      maxSize: 2000,
    });
  });

  it('accepts a closed line without path and address (RFC 3264 §8.2)', () => {
    const body = bytes('v=0', 'o=- 1 2 IN IP4 192.0.2.1', 's=-', 't=0 0', 'm=message 0 TCP/MSRP *');
    expect(parseOffer(body).media).toMatchObject([{ port: 0, path: [], host: '' }]);
  });

  it.each(fixtureNames('broken'))('rejects %s with a reason', (name) => {
    expect(() => parseOffer(fixture('broken', name))).toThrow(MalformedError);
    expect(() => parseOffer(fixture('broken', name))).toThrow(/SDP|m= line|a=|file-selector/);
  });
});

describe('buildOffer', () => {
  it('8.2.2-04, 8.2.2-07: writes a=sendonly and a=setup:passive', () => {
    expect(text(buildOffer(offerOf(offerLine())))).toBe(
      [
        'v=0',
        'o=- 7 0 IN IP4 192.0.2.1',
        's=-',
        'c=IN IP4 192.0.2.1',
        't=0 0',
        'm=message 7654 TCP/MSRP *',
        'a=sendonly',
        'a=setup:passive',
        'a=accept-types:image/jpeg',
        'a=path:msrp://192.0.2.1:7654/one;tcp',
        `a=file-selector:name:"picture.jpg" type:image/jpeg size:4092 hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E`,
        'a=file-transfer-id:a3cd20b8ae7f',
        'a=file-disposition:render',
        '',
      ].join('\r\n'),
    );
  });

  it('8.2.2-06: writes one m= line for each file', () => {
    const offer = buildOffer(offerOf(offerLine(), offerLine({ port: 7655 }), offerLine({ port: 0 })));
    expect(parseOffer(offer).media.map(({ port }) => port)).toEqual([7654, 7655, 0]);
  });

  it('8.2.3-02: writes an IPv6 host in c= and o=', () => {
    const body = buildOffer({ ...offerOf(offerLine()), host: '2001:db8::1' });
    expect(text(body)).toContain('\r\nc=IN IP6 2001:db8::1\r\n');
    expect(text(body)).toContain('o=- 7 0 IN IP6 2001:db8::1\r\n');
    expect(parseOffer(body).media[0]).toMatchObject({ host: '2001:db8::1' });
  });

  it('replaces control characters of a description with spaces', () => {
    const [, description] = mediaLines(buildOffer(offerOf(offerLine({ description: 'one\r\nm=two\0' }))));
    expect(description).toBe('i=one m=two ');
  });

  it.each([
    ['path', { path: ['msrp://a:1/x;tcp\r\na=max-size:1'] }],
    ['fingerprint', { fingerprints: ['sha-256 AA\nm=message 1 TCP/MSRP *'] }],
    ['accept-types', { acceptTypes: ['text/plain\r\n'] }],
    ['accept-type with two types', { acceptTypes: ['text/plain text/html'] }],
    ['transfer id', { file: { selector: {}, transferId: 'a\r\nb' } }],
    ['disposition', { file: { selector: {}, disposition: 'a b' } }],
    ['type', { file: { selector: { type: 'image/png\r\na=x' } } }],
    ['digest', { file: { selector: { sha1: 'AB\r\n' } } }],
    ['size', { file: { selector: { size: 1.5 } } }],
    ['range', { file: { selector: {}, range: { start: 0 } } }],
    ['date', { file: { selector: {}, date: { read: new Date(Number.NaN) } } }],
    ['file name of 10,000 characters', { file: { selector: { name: 'x'.repeat(10_000) } } }],
  ])('rejects an invalid %s', (_, line) => {
    expect(() => buildOffer(offerOf(offerLine(line)))).toThrow(ConfigurationError);
  });

  it('rejects an invalid host, and more lines than are parsed', () => {
    expect(() => buildOffer({ ...offerOf(), host: 'a\r\nb' })).toThrow(ConfigurationError);
    expect(() => buildOffer(offerOf(...Array.from({ length: 129 }, () => offerLine())))).toThrow(
      ConfigurationError,
    );
  });
});

it('increments the version for later descriptions of a session (RFC 3264 §8)', () => {
  const first = newOrigin();
  expect(first.version).toBe(0);
  expect(Number.isSafeInteger(Number(first.id))).toBe(true);
  expect(newOrigin().id).not.toBe(first.id);
  const second = buildOffer({ ...offerOf(offerLine({ port: 0 })), origin: nextOrigin(first) });
  expect(parseOffer(second).origin).toEqual({ id: first.id, version: '1' });
  expect(origin.version).toBe(0);
});
