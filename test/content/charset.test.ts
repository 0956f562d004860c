import { describe, expect, it } from 'vitest';
import { charsetMibEnum, charsetName, decodeCharset, isKnownCharset } from '../../core/content/charset.js';
import { contentReaders, memoryContent } from '../../core/content/content.js';
import { decodeEncodedWords } from '../../core/content/encoded-words.js';
import { decodeNotification, encodeNotification } from '../../core/content/mms/notification.js';
import { parseXml } from '../../core/content/xml/parser.js';
import { MalformedError } from '../../core/errors.js';
import { fromHex } from './fixture.js';

/** Labels of the Encoding Standard that have a MIBenum, and the text of some octets. */
const charsets: [mibEnum: number, name: string, hex: string, text: string][] = [
  [5, 'iso-8859-2', 'a1', 'Ą'],
  [13, 'iso-8859-10', 'a2', 'Ē'],
  [17, 'shift_jis', '93fa', '日'],
  [18, 'euc-jp', 'c6fc', '日'],
  [36, 'ks_c_5601-1987', 'bec8', '안'],
  [38, 'euc-kr', 'bec8', '안'],
  [39, 'iso-2022-jp', '1b2442467c', '日'],
  [85, 'iso-8859-8-i', 'e0', 'א'],
  [109, 'iso-8859-13', 'c0', 'Ą'],
  [110, 'iso-8859-14', 'a1', 'Ḃ'],
  [111, 'iso-8859-15', 'a4', '€'],
  [113, 'gbk', 'c4e3', '你'],
  [114, 'gb18030', 'c4e3', '你'],
  [2025, 'gb2312', 'c4e3', '你'],
  [2026, 'big5', 'a7da', '我'],
  [2027, 'macintosh', '8a', 'ä'],
  [2084, 'koi8-r', 'f0', 'П'],
  [2086, 'ibm866', '80', 'А'],
  [2088, 'koi8-u', 'b7', 'Ї'],
  [2109, 'windows-874', 'a1', 'ก'],
  [2250, 'windows-1250', '9e', 'ž'],
  [2252, 'windows-1252', '938094', '“€”'],
  [2258, 'windows-1258', 'd0', 'Đ'],
  [2259, 'tis-620', 'a1', 'ก'],
  [1013, 'utf-16be', '0041', 'A'],
  [1014, 'utf-16le', '4100', 'A'],
];

const withCharset = (charset: string) =>
  memoryContent({ type: 'text/plain', parameters: { charset } }, fromHex('938094'));

describe('charsets', () => {
  it.each(charsets)('%i is %s', (mibEnum, name, hex, text) => {
    expect(charsetName(mibEnum)).toBe(name);
    expect(charsetMibEnum(name.toUpperCase())).toBe(mibEnum);
    expect(isKnownCharset(mibEnum)).toBe(true);
    expect(decodeCharset(fromHex(hex), mibEnum)).toBe(text);
  });

  it.each([
    ['latin1', 4],
    ['ASCII', 3],
    ['cp1251', 2251],
    ['x-sjis', 17],
    ['utf8', 106],
    ['mib-2000', 2000],
    ['none', undefined],
    ['*', undefined],
    ['mib-0', undefined],
  ])('%s is the name of %s', (name, mibEnum) => {
    expect(charsetMibEnum(name)).toBe(mibEnum);
  });

  it.each([
    ['UTF-8', 106, '41d0', 'A\ufffd'],
    ['US-ASCII', 3, '41c3a9', 'A\ufffd\ufffd'],
    ['Shift_JIS', 17, '4193', 'A\ufffd'],
    ['UTF-16 that is cut', 1015, '004100', 'A\ufffd'],
    ['UTF-16 with half of a pair', 1013, '0041d800', 'A\ufffd'],
  ])(
    'invalid octets of %s become replacement characters, not those of another charset',
    (_name, mibEnum, hex, text) => {
      expect(decodeCharset(fromHex(hex), mibEnum)).toBe(text);
    },
  );

  it('0 is unknown, and an unknown charset of a field is reported', () => {
    expect(charsetName(0)).toBeUndefined();
    const fields = { transactionId: 'T', version: '1.2', messageClass: 'personal', messageSize: 1 };
    const pdu = encodeNotification({ ...fields, expiry: { seconds: 1 }, contentLocation: 'http://a/' });
    const subject = (hex: string) => decodeNotification(Uint8Array.of(...pdu, 0x96, ...fromHex(hex)));
    expect(subject('0480686900')).toMatchObject({ subject: 'hi', warnings: undefined });
    expect(subject('060207d0686900')).toMatchObject({
      subject: 'hi',
      warnings: [expect.stringContaining('expected the MIBenum of a supported charset')],
    });
  });

  it('text() of a push uses the declared charset, refuses an unknown one, and reads `*` as UTF-8', async () => {
    await expect(contentReaders(withCharset('windows-1252')).text()).resolves.toBe('“€”');
    await expect(contentReaders(withCharset('us-ascii')).text()).resolves.toBe('\ufffd\ufffd\ufffd');
    await expect(contentReaders(withCharset('*')).text()).resolves.toBe('\ufffd\ufffd\ufffd');
    await expect(contentReaders(withCharset('mib-2000')).text()).rejects.toThrow(
      'unknown charset "mib-2000"',
    );
  });
});

describe('the encoding of XML', () => {
  const xml = (encoding: string, hex: string) =>
    Uint8Array.of(
      ...Buffer.from(`<?xml version="1.0" encoding="${encoding}"?><a>`),
      ...fromHex(hex),
      ...Buffer.from('</a>'),
    );
  const text = (octets: Uint8Array, charset?: string) => parseXml(octets, 'test', charset).children;

  it.each(charsets.filter(([mibEnum]) => mibEnum < 1000 || mibEnum > 1015))(
    '%i: %s',
    (_mibEnum, name, hex, expected) => {
      // ISO-2022-JP has to return to ASCII.
      expect(text(xml(name, name === 'iso-2022-jp' ? `${hex}1b2842` : hex))).toEqual([expected]);
    },
  );

  it('is found in UTF-16 without a byte order mark', () => {
    const octets = Buffer.from('<a>Ж</a>', 'utf16le');
    expect(text(new Uint8Array(octets))).toEqual(['Ж']);
    expect(text(new Uint8Array(octets.swap16()))).toEqual(['Ж']);
  });

  it('is UTF-8 if UTF-16 is declared in single octets', () => {
    expect(text(xml('UTF-16', 'd096'))).toEqual(['Ж']);
  });

  it('is that of the media type before the declared one', () => {
    expect(text(xml('utf-8', 'f0'), 'koi8-r')).toEqual(['П']);
  });

  it('is an error if it is unknown, and zero characters at the end are padding', () => {
    expect(() => text(xml('klingon', '41'))).toThrow(MalformedError);
    expect(text(Uint8Array.of(...xml('utf-8', '41'), 0, 0))).toEqual(['A']);
  });
});

describe('encoded words (RFC 2047)', () => {
  it.each([
    ['=?utf-8?Q?Caf=C3=A9_au_lait?=', 'Café au lait'],
    ['Re: =?KOI8-R?B?8NLJ18XU?= !', 'Re: Привет !'],
    ['=?utf-8?B?4pyT?= =?utf-8?B?4pyT?=', '✓✓'],
    // A character that is divided between two words.
    ['=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=', 'é'],
    ['=?iso-8859-1*en?q?=E9?= =?utf-8?q?=C3=A9?=', 'éé'],
    ['=?utf-8?B?4pyT', '=?utf-8?B?4pyT'],
    ['=?none?Q?a?= =?utf-8?Q?b?=', '=?none?Q?a?= b'],
    ['=?utf-8?B?***?=', '=?utf-8?B?***?='],
    ['a =? b ?=', 'a =? b ?='],
  ])('%s is %s', (text, decoded) => {
    expect(decodeEncodedWords(text)).toBe(decoded);
  });
});
