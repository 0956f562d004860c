import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf } from '../../../core/content/http-headers.js';
import { applicationIdOfCode, codeOfApplicationId } from '../../../core/content/wsp/application-ids.js';
import { headerCode, headerName } from '../../../core/content/wsp/header-names.js';
import { decodeHeaders, encodeHeaders, type WspHeaders } from '../../../core/content/wsp/headers.js';
import { decodePushPdu, encodePushPdu, type PushPdu } from '../../../core/content/wsp/push-pdu.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fixture, fixtureNames, fromHex, pushBody, toHex } from '../fixture.js';
import { wspTexts } from './wsp-texts.js';

type Meaning = Omit<PushPdu, 'body'>;

const mms = 'x-wap-application:mms.ua';
const sic = (parameters = {}) => ({ type: 'application/vnd.wap.sic', parameters });
const slc = { type: 'application/vnd.wap.slc', parameters: {} };
const message = { type: 'application/vnd.wap.mms-message', parameters: {} };

/** With the version of the writer, if the PDU does not contain it. */
const vectors: [name: string, Meaning, version?: string][] = [
  [
    '3.5-push-si-kannel',
    {
      transactionId: 0,
      type: sic(),
      headers: [
        ['Content-Length', '88'],
        ['Encoding-Version', '1.3'],
      ],
    },
  ],
  [
    '3.5-push-sl-kannel',
    {
      transactionId: 1,
      type: slc,
      headers: [
        ['Content-Length', '37'],
        ['Encoding-Version', '1.3'],
      ],
    },
  ],
  [
    '3.5-push-si-operator',
    {
      transactionId: 1,
      type: sic({ charset: 'utf-8' }),
      headers: [
        ['Encoding-Version', '1.5'],
        ['Content-Length', '162'],
        ['Push-Flag', '4'],
      ],
    },
  ],
  ['4.2-push-notification', { transactionId: 5, type: message, headers: [['X-Wap-Application-Id', mms]] }],
  // The content type is text: its code was introduced with 1.4.
  [
    '4.2-push-notification-operator',
    { transactionId: 1, type: message, headers: [['X-Wap-Application-Id', mms]] },
    '1.3',
  ],
  [
    '8.2-push-every-header',
    {
      transactionId: 7,
      type: { type: 'application/vnd.wap.connectivity-wbxml', parameters: {} },
      headers: [
        ['X-Wap-Application-Id', mms],
        ['X-Wap-Content-URI', 'http://a.example/c'],
        ['X-Wap-Initiator-URI', 'http://a.example/i'],
        ['Push-Flag', '7'],
        ['Content-Location', 'http://a.example/l'],
        ['Content-Length', '1024'],
        ['Date', 'Wed, 24 Jan 2024 09:48:48 GMT'],
        ['Expires', 'Wed, 24 Jan 2024 09:48:49 GMT'],
        ['Content-Encoding', 'gzip'],
        ['Content-ID', '<p>'],
        ['Content-Disposition', 'attachment;filename="a b.txt"'],
        ['Encoding-Version', '1.5'],
        ['X-Oma-Thing', 'some text'],
      ],
    },
  ],
  [
    '8.2-push-confirmed',
    {
      transactionId: 7,
      confirmed: true,
      type: sic(),
      headers: [['X-Wap-Application-Id', 'x-wap-application:wml.ua']],
    },
  ],
  [
    '8.2-push-unassigned-application',
    { transactionId: 7, type: sic(), headers: [['X-Wap-Application-Id', '90FF']] },
  ],
];

describe('WSP Push', () => {
  it.each(vectors)('decodes and encodes %s', (name, meaning, version) => {
    const octets = fixture('valid', name);
    const body = pushBody(octets);
    expect(decodePushPdu(octets)).toEqual({ ...meaning, body });
    expect(toHex(encodePushPdu({ ...meaning, body }, version))).toBe(toHex(octets));
  });

  it('keeps unknown headers raw, and writes them back', () => {
    const push = decodePushPdu(fixture('valid', '8.2-push-raw-headers'));
    expect(push).toEqual({
      transactionId: 7,
      type: sic(),
      headers: [['X-Wap-Application-Id', mms]],
      others: [
        // Cache-Control by code.
        { field: 0x08, value: Uint8Array.of(0x83) },
        { field: 0x50, value: Uint8Array.of(3, 1, 2, 3) },
        { field: 'X-Odd', value: Uint8Array.of(0x85) },
        { page: 5, field: 0, value: Uint8Array.of(0x85) },
        { page: 3, field: 1, value: Uint8Array.of(0x41, 0) },
      ],
      body: Uint8Array.of(),
    });
    expect(decodePushPdu(encodePushPdu(push))).toEqual(push);
  });

  it('reads text values of headers with a binary form', () => {
    expect(decodePushPdu(fixture('valid', '8.2-push-content-type-in-text'))).toMatchObject({
      type: sic(),
      headers: [['Content-Length', '12']],
    });
  });

  it('reads the headers that Kannel writes', () => {
    // CO, and a DM notification to application 07 whose type 1.3 has no code for.
    const co = fromHex('000606b18d01a8c393');
    expect(decodePushPdu(co)).toMatchObject({
      type: { type: 'text/vnd.wap.co' },
      headers: [
        ['Content-Length', '168'],
        ['Encoding-Version', '1.3'],
      ],
    });
    expect(toHex(encodePushPdu(decodePushPdu(co)))).toBe(toHex(co));
    const name = toHex(new TextEncoder().encode('application/vnd.syncml.notification\0'));
    const dm = fromHex(`00062a${name}af878d9ec393`);
    expect(headerOf(decodePushPdu(dm).headers, 'x-wap-application-id')).toBe('x-wap-application:syncml.dm');
    expect(toHex(encodePushPdu(decodePushPdu(dm)))).toBe(toHex(dm));
  });

  it('writes codes that an old peer does not know as text', () => {
    const push: PushPdu = {
      transactionId: 1,
      type: { type: 'application/vnd.wap.multipart.related', parameters: { start: '<a>', path: '/' } },
      headers: [
        ['X-Wap-Application-Id', mms],
        ['Content-ID', '<a>'],
      ],
      body: Uint8Array.of(),
    };
    for (const version of ['1.1', '1.2', '1.3', '1.5']) {
      expect(decodePushPdu(encodePushPdu(push, version))).toEqual(push);
    }
    expect(Buffer.from(encodePushPdu(push, '1.1')).toString('latin1')).toMatch(
      /vnd\.wap\.multipart\.related\0start\0"<a>\0path\0"\/\0X-Wap-Application-Id\0x-wap-application:mms\.ua\0Content-ID\0<a>\0$/,
    );
  });

  it.each(fixtureNames('broken', '8.2'))('%s is malformed', (name) => {
    expect(() => decodePushPdu(fixture('broken', name))).toThrow(MalformedError);
  });

  it.each(vectors)('%s is malformed when truncated before its body', (name) => {
    const octets = fixture('valid', name);
    for (let length = 0; length < octets.length - pushBody(octets).length; length += 1) {
      expect(() => decodePushPdu(octets.subarray(0, length)), `truncated to ${length}`).toThrow(
        MalformedError,
      );
    }
  });

  it.each([
    [
      '8.2-push-flag-is-length',
      'WSP Push: Push-Flag at offset 5: expected a short-integer (80 to FF), found octet 01 and 1 more',
    ],
    ['8.2-push-disposition-83', 'WSP Push: Content-Disposition at offset 6: expected 80, 81, 82 or a token'],
  ])('%s: is read without the header, with a warning', (name, warning) => {
    const { headers, warnings } = decodePushPdu(fixture('lenient', name));
    expect(headers).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  it('ignores zero octets after the last header', () => {
    expect(decodePushPdu(fixture('lenient', '8.2-push-code-page-0'))).toMatchObject({ headers: [] });
    expect(decodeHeaders(fromHex('b48300000000'))).toEqual({ headers: [['Push-Flag', '3']] });
  });

  it.each([
    ['Content-Length', '8d0907ffffffffffffffff'],
    ['Expires', '940709184e72a00000'],
    ['X-Wap-Application-Id', 'af1e00'],
  ])('refuses a malformed %s, which decides on the content', (_name, hex) => {
    expect(() => decodeHeaders(fromHex(`${hex}b483`))).toThrow(MalformedError);
  });

  it.each([
    ['an invalid transaction id', { transactionId: 256 }],
    ['a name that is not a token', { headers: [['a b', 'c']] }],
    ['an invalid length', { headers: [['Content-Length', 'x']] }],
    ['an invalid date', { headers: [['Date', 'soon']] }],
    ['an invalid type', { headers: [['Content-Type', 'text']] }],
    ['an invalid disposition', { headers: [['Content-Disposition', 'a;;=']] }],
    ['an invalid version', { headers: [['Encoding-Version', 'new']] }],
    ['a text with a zero octet', { headers: [['X-A', 'a\0b']] }],
  ] satisfies [string, Partial<PushPdu>][])('refuses to write %s', (_name, change) => {
    const push: PushPdu = { transactionId: 1, type: sic(), headers: [], body: Uint8Array.of(), ...change };
    expect(() => encodePushPdu(push)).toThrow(ConfigurationError);
  });
});

describe('WSP headers', () => {
  const dates = fc.nat(0xffff_ffff).map((seconds) => new Date(seconds * 1000).toUTCString());
  const numbers = fc.maxSafeNat().map(String);
  const header = fc.oneof(
    fc.tuple(fc.constantFrom('Content-Length', 'Age', 'Max-Forwards', 'Bearer-Indication'), numbers),
    fc.tuple(fc.constantFrom('Date', 'Expires', 'Last-Modified'), dates),
    fc.tuple(
      fc.constantFrom('Content-Location', 'X-Wap-Content-URI', 'Server', 'X-Own', 'Cache-Control'),
      wspTexts,
    ),
    fc.tuple(
      fc.constantFrom('X-Wap-Application-Id', 'Accept-Application'),
      fc.constantFrom(mms, 'x-wap-application:*', 'x-oma-nokia:call.ua', '90FF', 'http://a.example/app'),
    ),
    fc.tuple(fc.constant('Push-Flag'), fc.nat(127).map(String)),
    fc.tuple(fc.constant('Content-Encoding'), fc.constantFrom('gzip', 'deflate', 'br')),
    fc.tuple(
      fc.constant('Content-Type'),
      fc.constantFrom('text/plain;charset=utf-8', 'image/jpeg;name="a b"', 'a/b'),
    ),
    fc.tuple(
      fc.constant('Content-Disposition'),
      fc.constantFrom('attachment', 'inline;filename=a', 'render'),
    ),
    fc.tuple(fc.constant('Content-ID'), fc.stringMatching(/^<[a-z@.]{1,20}>$/)),
  );
  const blocks: fc.Arbitrary<WspHeaders> = fc.record(
    {
      headers: fc.array(header, { maxLength: 12 }),
      others: fc.array(
        fc.record(
          {
            page: fc.integer({ min: 2, max: 255 }),
            field: fc.integer({ min: 0x50, max: 0x7f }),
            value: fc.constantFrom(Uint8Array.of(0x80), Uint8Array.of(0x41, 0), Uint8Array.of(2, 0, 1)),
          },
          { requiredKeys: ['field', 'value'] },
        ),
        { minLength: 1, maxLength: 4 },
      ),
    },
    { requiredKeys: ['headers'] },
  );

  it('are read back by peers of every version', () => {
    fc.assert(
      fc.property(blocks, fc.constantFrom('1.1', '1.2', '1.3', '1.5', undefined), (block, version) => {
        expect(decodeHeaders(encodeHeaders(block, version))).toEqual(block);
      }),
      { numRuns: 500 },
    );
  });

  it('reads any octets as headers, or throws MalformedError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        try {
          decodeHeaders(octets);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('have one name for each code, and use the first code of a name', () => {
    for (let code = 0; code <= 0x49; code += 1) {
      const name = headerName(code) ?? '';
      expect(headerName(headerCode(name) ?? -1)).toBe(name);
    }
    expect(headerCode('content-disposition')).toBe(0x2e);
    expect(headerName(0x4a)).toBeUndefined();
    expect(headerCode('X-Own')).toBeUndefined();
  });
});

describe('application ids', () => {
  it.each([
    [0x04, mms],
    [0x15, 'x-oma-application:cpm:ua'],
    [0x9071, 'x-wap-3gpp:gba.andsf'],
    [0x90ff, '90FF'],
  ])('%i is %s', (code, identifier) => {
    expect(applicationIdOfCode(code)).toBe(identifier);
    expect(codeOfApplicationId(identifier)).toBe(code);
  });

  it('the prefix is optional; unknown ids have no code', () => {
    expect(codeOfApplicationId('MMS.ua')).toBe(4);
    expect(codeOfApplicationId('ulp.ua')).toBeUndefined();
    expect(codeOfApplicationId('x-oma-application:dcd.ua')).toBeUndefined();
    // 904B has the same name.
    expect(codeOfApplicationId('x-wap-application:push.sia')).toBe(1);
  });
});
