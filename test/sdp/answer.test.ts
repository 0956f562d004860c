import { describe, expect, it } from 'vitest';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { buildAnswer, buildOffer, parseAnswer, parseOffer } from '../../core/sdp/index.js';
import { bytes, fixture, mediaLines, text } from './fixture.js';
import { accepting, answerTo, negotiate, offerLine, offerOf, origin, SHA1 } from './samples.js';

const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0'];
const PATH = 'a=path:msrp://192.0.2.9:9/two;tcp';

describe('buildAnswer', () => {
  it('8.2.1-05, 8.2.1-06, 8.2.1-07, 8.2.1-08: writes a=recvonly, a=setup:active and a=max-size', () => {
    const body = answerTo(offerOf(offerLine()), accepting({ maxSize: 300_000 }));
    expect(mediaLines(body)).toEqual([
      'message 9 TCP/MSRP *',
      'a=recvonly',
      'a=setup:active',
      'a=accept-types:image/*',
      'a=max-size:300000',
      'a=path:msrp://192.0.2.9:9/two;tcp',
      `a=file-selector:name:"picture.jpg" type:image/jpeg size:4092 hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E`,
      'a=file-transfer-id:a3cd20b8ae7f',
      'a=file-disposition:render',
    ]);
  });

  it('8.2.1-04: writes a line for each line of the offer, in its order, with port zero for refused lines', () => {
    const offer = offerOf(offerLine(), offerLine(), offerLine({ port: 0 }));
    const body = answerTo(offer, { type: 'refused' }, accepting(), accepting());
    expect(mediaLines(body, 0)).toEqual(['message 0 TCP/MSRP *']);
    expect(mediaLines(body, 1)[0]).toBe('message 9 TCP/MSRP *');
    expect(mediaLines(body, 2)).toEqual(['message 0 TCP/MSRP *']);
  });

  it('refuses other media with their own protocol and formats, and copies t= (RFC 3264 §6)', () => {
    const offer = parseOffer(fixture('valid', 'session-level'));
    const lines = [accepting(), accepting(), accepting()];
    const body = buildAnswer(offer, { origin, host: '2001:db8::9', lines });
    expect(text(body)).toContain('\r\nt=3034423619 3042462419\r\n');
    expect(mediaLines(body, 0)).toEqual(['audio 0 UDP/MBMS-FEC/RTP/AVP 0 8']);
    expect(mediaLines(body, 1)).toContain('a=recvonly');
    // RFC 3264 §6.1: an inactive line transfers nothing.
    expect(mediaLines(body, 2)).toContain('a=inactive');
  });

  it('requests the rest of a partial file (RFC 5547 §6)', () => {
    const body = answerTo(offerOf(offerLine()), accepting({ range: { start: 2049 } }));
    expect(mediaLines(body)).toContain('a=file-range:2049-*');
  });

  it('writes the fingerprint of its certificate with TLS', () => {
    const line = offerLine({ protocol: 'TCP/TLS/MSRP', path: ['msrps://192.0.2.1:7654/one;tcp'] });
    const body = answerTo(offerOf(line), accepting({ fingerprints: ['sha-256 AB:CD'] }));
    expect(mediaLines(body)).toContain('a=fingerprint:sha-256 AB:CD');
    expect(mediaLines(body)[0]).toBe('message 9 TCP/TLS/MSRP *');
  });

  it('throws ConfigurationError if the number of lines differs from the offer', () => {
    expect(() => answerTo(offerOf(offerLine()))).toThrow(ConfigurationError);
  });

  it('copies nothing from an offer that could begin a line', () => {
    const name = 'a\r\nm=message 1 TCP/MSRP *\r\n"%';
    const offer = offerOf(offerLine({ file: { selector: { name } } }));
    const body = answerTo(offer, accepting());
    expect(text(body).match(/^m=/gm)).toHaveLength(1);
    expect(parseOffer(body).media[0]).toMatchObject({ file: { selector: { name } } });
  });
});

describe('parseAnswer', () => {
  it.each(['oma-b4-3-answer', 'oma-b4-4-answer-forwarded'])(
    '%s: parses the sample of appendix B.4 as printed',
    (name) => {
      expect(parseAnswer(fixture('valid', name), offerOf(offerLine()))).toEqual([
        {
          type: 'accepted',
          host: 'userpc.domain.com',
          port: 8888,
          path: ['msrp://userpc.domain.com:8888/9di4ea;tcp'],
          acceptTypes: ['application/vnd.oma.push'],
          acceptWrappedTypes: [],
          setup: 'active',
          fingerprints: [],
        },
      ]);
    },
  );

  it('reads the requested part of the file (RFC 5547 §9.1)', () => {
    const file = { selector: { size: 32349, sha1: SHA1 } };
    const [line] = parseAnswer(fixture('valid', 'rfc5547-9.1-answer'), offerOf(offerLine({ file })));
    expect(line).toMatchObject({ type: 'accepted', range: { start: 1, end: 32349 } });
  });

  it('8.2.2-08: distinguishes accepted and refused files', () => {
    const offer = offerOf(offerLine(), offerLine(), offerLine({ port: 0 }));
    const lines = negotiate(
      offer,
      accepting({ range: { start: 4092 } }),
      { type: 'refused' },
      { type: 'refused' },
    );
    expect(lines).toMatchObject([
      { type: 'accepted', path: ['msrp://192.0.2.9:9/two;tcp'], range: { start: 4092 } },
      { type: 'refused' },
      { type: 'refused' },
    ]);
  });

  it('reads inactive as a refusal, and no direction as agreement', () => {
    const media = ['m=message 9 TCP/MSRP *', PATH];
    const offer = offerOf(offerLine());
    expect(parseAnswer(bytes(...HEAD, ...media, 'a=inactive'), offer)).toEqual([{ type: 'refused' }]);
    expect(parseAnswer(bytes(...HEAD, ...media), offer)).toMatchObject([{ type: 'accepted' }]);
  });

  it.each([
    ['too few lines', []],
    ['too many lines', ['m=message 9 TCP/MSRP *', PATH, 'm=message 0 TCP/MSRP *']],
    ['another media type', ['m=audio 9 RTP/AVP 0']],
    ['another protocol', ['m=message 9 TCP/TLS/MSRP *', PATH]],
    ['no path', ['m=message 9 TCP/MSRP *']],
    ['sendonly', ['m=message 9 TCP/MSRP *', PATH, 'a=sendonly']],
    ['a range beyond the file', ['m=message 9 TCP/MSRP *', PATH, 'a=file-range:4093-*']],
    ['a range that ends beyond the file', ['m=message 9 TCP/MSRP *', PATH, 'a=file-range:1-4093']],
  ])('rejects an answer with %s', (_, media) => {
    expect(() => parseAnswer(bytes(...HEAD, ...media), offerOf(offerLine()))).toThrow(MalformedError);
  });

  it('keeps a closed line closed (RFC 3264 §8.2)', () => {
    const offer = offerOf(offerLine({ port: 0 }));
    expect(parseOffer(buildOffer(offer)).media).toHaveLength(1);
    expect(parseAnswer(bytes(...HEAD, 'm=message 9 TCP/MSRP *', PATH), offer)).toEqual([{ type: 'refused' }]);
  });
});
