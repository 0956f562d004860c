import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../core/errors.js';
import {
  buildAnswer,
  buildOffer,
  type OfferLine,
  parseAnswer,
  parseOffer,
  parseSupported,
} from '../../core/sdp/index.js';
import { bytes, fixture, fixtureNames, text } from './fixture.js';
import { accepting, offerOf, origin } from './samples.js';

const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
const MEDIA = ['m=message 9 TCP/MSRP *', 'a=path:msrp://192.0.2.1:9/x;tcp'];

describe('hostile descriptions', () => {
  it.each([
    ['10,000 m= lines', bytes(...HEAD, ...Array<string>(10_000).fill('m=message 0 TCP/MSRP *'))],
    ['129 m= lines', bytes(...HEAD, ...Array<string>(129).fill('m=message 0 TCP/MSRP *'))],
    ['a line of 1 MiB', bytes(...HEAD, ...MEDIA, `a=file-selector:name:"${'x'.repeat(1_048_576)}"`)],
    ['a line of 10,000 characters', bytes(...HEAD, ...MEDIA, `a=${'x'.repeat(10_000)}`)],
    [
      'a line folded 4,000 times',
      bytes(...HEAD, ...MEDIA, 'a=x:', ...Array<string>(4000).fill('1234567890')),
    ],
    ['5,000 lines', bytes(...HEAD, ...Array<string>(5_000).fill('a=x'))],
    ['262,144 line ends', new Uint8Array(262_144).fill(10)],
    [
      'a path of 33 hops',
      bytes(...HEAD, 'm=message 9 TCP/MSRP *', `a=path:${'msrp://a:1/b;tcp '.repeat(33)}`),
    ],
    ['nothing', new Uint8Array()],
    ['zeros', new Uint8Array(1000)],
    ['octets that are not UTF-8', new Uint8Array(1000).fill(0xff)],
    ['a folded line at the start', bytes('x', ...HEAD)],
  ])('rejects %s', (_, body) => {
    expect(() => parseOffer(body)).toThrow(MalformedError);
  });

  it.each([
    ['quotes', '"'.repeat(8000)],
    ['selectors without a value', 'x:'.repeat(4000)],
    ['parameters', `type:a/b${';c=d'.repeat(1900)}`],
    ['unterminated parameters', `type:a/b${';c="'.repeat(1900)}`],
    ['digests', 'hash:sha-2:AB '.repeat(580)],
    ['percent signs', `name:"${'%'.repeat(8000)}"`],
  ])('parses a selector of nothing but %s, and answers with a line of limited length', (_, value) => {
    const offer = parseOffer(bytes(...HEAD, ...MEDIA, `a=file-selector:${value}`));
    const answer = buildAnswer(offer, { origin, host: '192.0.2.9', lines: [accepting()] });
    expect(answer.length).toBeLessThan(50_000);
  });

  it('treats attributes with names of object members as attributes', () => {
    const body = bytes(...HEAD, 'a=__proto__:x', 'a=constructor:y', ...MEDIA, 'a=toString', 'a=__proto__');
    expect(parseOffer(body).media).toHaveLength(1);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('parses or rejects any mutation of a description', () => {
    const seeds = fixtureNames('valid').map((name) => text(fixture('valid', name)));
    const changes = fc.record({
      seed: fc.constantFrom(...seeds),
      at: fc.nat({ max: 999 }),
      take: fc.nat({ max: 20 }),
      put: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.constantFrom('\r\n', '\r\nm=', '\r\na=file-selector:', '\0', '"', ':', '%', '0'.repeat(30)),
      ),
    });
    fc.assert(
      fc.property(changes, ({ seed, at, take, put }) => {
        const offset = Math.floor((at / 1000) * seed.length);
        const body = new TextEncoder().encode(seed.slice(0, offset) + put + seed.slice(offset + take));
        for (const read of [parseOffer, parseSupported, (it: Uint8Array) => parseAnswer(it, offerOf())]) {
          try {
            read(body);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('answers every parsed offer with the same number of lines', () => {
    const seeds = fixtureNames('valid').map((name) => text(fixture('valid', name)));
    const changes = fc.record({
      seed: fc.constantFrom(...seeds),
      at: fc.nat({ max: 999 }),
      put: fc.string({ unit: 'binary', maxLength: 20 }),
    });
    fc.assert(
      fc.property(changes, ({ seed, at, put }) => {
        const offset = Math.floor((at / 1000) * seed.length);
        const body = new TextEncoder().encode(seed.slice(0, offset) + put + seed.slice(offset));
        let offer: ReturnType<typeof parseOffer>;
        try {
          offer = parseOffer(body);
        } catch {
          return;
        }
        for (const line of [accepting(), { type: 'refused' as const }]) {
          const lines = offer.media.map(() => line);
          const answer = buildAnswer(offer, { origin, host: '192.0.2.9', lines });
          expect(parseOffer(answer).media).toHaveLength(offer.media.length);
        }
      }),
      { numRuns: 300 },
    );
  });
});

it('any offer survives a round trip, line by line', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 40 });
  const token = fc.stringMatching(/^[!-~]{1,40}$/);
  const date = fc
    .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((it) => new Date(Math.floor(it.getTime() / 1000) * 1000));
  const range = fc
    .tuple(fc.integer({ min: 1, max: 2 ** 50 }), fc.option(fc.nat({ max: 2 ** 40 }), { nil: undefined }))
    .map(([start, more]) => (more === undefined ? { start } : { start, end: start + more }));
  const file = fc.record(
    {
      selector: fc.record(
        {
          name: anyText,
          size: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
          type: fc.constant('text/plain;a="b c"'),
        },
        { requiredKeys: [] },
      ),
      transferId: token,
      disposition: fc.constantFrom('render', 'attachment'),
      date: fc.record({ creation: date, modification: date }),
      range,
    },
    { requiredKeys: ['selector'] },
  );
  const lines: fc.Arbitrary<OfferLine> = fc.record(
    {
      protocol: fc.constantFrom('TCP/MSRP' as const, 'TCP/TLS/MSRP' as const),
      port: fc.integer({ min: 1, max: 65_535 }),
      path: fc.array(
        token.map((it) => `msrp://a:1/${it};tcp`),
        { minLength: 1, maxLength: 3 },
      ),
      acceptTypes: fc.subarray(['text/plain', 'image/*', '*', 'a/b;c="d e"']),
      fingerprints: fc.subarray(['sha-256 AB:CD', 'sha-512 00:FF']),
      file,
    },
    { requiredKeys: ['protocol', 'port', 'path', 'acceptTypes'] },
  );
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 5 }), (written) => {
      const { media } = parseOffer(buildOffer(offerOf(...written)));
      expect(media).toHaveLength(written.length);
      for (const [index, line] of written.entries()) expect(media[index]).toMatchObject(line);
    }),
  );
});
