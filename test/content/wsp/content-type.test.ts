import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MediaType } from '../../../core/content/content.js';
import { readContentType, writeContentType } from '../../../core/content/wsp/content-type.js';
import { codeOfMediaType, mediaTypeOfCode } from '../../../core/content/wsp/media-type-codes.js';
import { OctetReader, OctetWriter } from '../../../core/content/wsp/octets.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fromHex, toHex } from '../fixture.js';
import { wspTexts } from './wsp-texts.js';

function read(hex: string): MediaType {
  const reader = new OctetReader(fromHex(hex), 'test');
  const type = readContentType(reader, 'Content-Type');
  expect(reader.atEnd).toBe(true);
  return type;
}

function write(type: string, parameters: Record<string, string> = {}): string {
  const writer = new OctetWriter();
  writeContentType(writer, { type, parameters });
  return toHex(writer.finish());
}

const ascii = (text: string) => toHex(new TextEncoder().encode(text));

describe('content type', () => {
  it.each([
    ['a short code', 'be', 'application/vnd.wap.mms-message', {}],
    ['a code with charset', '03ae81ea', 'application/vnd.wap.sic', { charset: 'utf-8' }],
    ['a registered code of two octets', '0302030a', 'application/vnd.wap.emn+wbxml', {}],
    ['text', `${ascii('application/x-demo')}00`, 'application/x-demo', {}],
    [
      'multipart/related with start and type',
      `11b38a${ascii('<smil>')}0089${ascii('a/smil')}00`,
      'application/vnd.wap.multipart.related',
      { start: '<smil>', type: 'a/smil' },
    ],
    [
      'a name, and a parameter in text',
      `0f9e85${ascii('a.jpg')}00${ascii('x')}0022${ascii('b c')}00`,
      'image/jpeg',
      { name: 'a.jpg', x: 'b c' },
    ],
  ])('%s is read and written', (_name, hex, type, parameters) => {
    expect(read(hex)).toEqual({ type, parameters });
    expect(write(type, parameters)).toBe(hex);
  });

  it('reads a known type in text', () => {
    expect(read(`${ascii('application/vnd.wap.mms-message')}00`).type).toBe(
      'application/vnd.wap.mms-message',
    );
    expect(read(`${ascii('Image/JPEG')}00`).type).toBe('image/jpeg');
  });

  it.each([
    ['q', '800b', { q: '0.1' }],
    ['q', '808331', { q: '0.333' }],
    ['any charset', '8180', {}],
    ['any charset in text', `81${ascii('*')}00`, {}],
    ['charset', '810207e9', { charset: 'gb2312' }],
    ['a quoted name', `85${ascii('"a b')}00`, { name: 'a b' }],
    ['a quoted name with its mark', `85${ascii('"a b"')}00`, { name: 'a b' }],
    ['padding', `85${ascii('a')}000000`, { name: 'a' }],
    ['charset in text', `81${ascii('UTF-8')}00`, { charset: 'utf-8' }],
    ['an unknown charset', '810207d0', { charset: 'mib-2000' }],
    ['level', '82a1', { level: '2.1' }],
    ['level in text', `82${ascii('3')}00`, { level: '3' }],
    ['type as number', '8383', { type: '3' }],
    ['differences by code', '8791', { differences: '17' }],
    ['differences by name', `87${ascii('Age')}00`, { differences: 'Age' }],
    ['type by code', '899e', { type: 'image/jpeg' }],
    ['max-age', '8e03015180', { 'max-age': '86400' }],
    ['secure', '9000', { secure: '' }],
    ['creation-date', '930465b0dd00', { 'creation-date': 'Wed, 24 Jan 2024 09:48:48 GMT' }],
    ['size', '960203e8', { size: '1000' }],
    ['name as text-value', `97${ascii('"a b"')}00`, { name: 'a b' }],
    ['text with a number', `${ascii('n')}0085`, { n: '5' }],
    ['text with nothing', `${ascii('n')}0000`, { n: '' }],
    ['an unknown code', 'ff02abcd', { 'x-wsp-127': '02abcd' }],
    ['a repeated name', `85${ascii('a')}0097${ascii('b')}00`, { name: 'a' }],
    ['the name __proto__', `${ascii('__proto__')}00${ascii('a')}00`, JSON.parse('{"__proto__":"a"}')],
  ])('reads parameter %s', (_name, hex, parameters) => {
    const octets = fromHex(`9e${hex}`);
    expect(read(toHex(Uint8Array.of(octets.length, ...octets)))).toEqual({ type: 'image/jpeg', parameters });
  });

  it('returns a name for an unassigned code', () => {
    expect(read('d9').type).toBe('application/x-wsp-0059');
  });

  it.each([
    ['nothing', ''],
    ['a length past the end', '05be'],
    ['an unterminated type', '61'],
    ['too many parameters', `1f82019e${'9000'.repeat(64)}9000`],
  ])('refuses %s', (_name, hex) => {
    expect(() => read(hex)).toThrow(MalformedError);
  });

  it.each([
    ['a quality of 0', '8000'],
    ['a value in place of no value', '9081'],
    ['a date that is too large', '930709184e72a00000'],
    ['a charset that is a length', '8100'],
  ])('leaves out %s, with a warning', (_name, hex) => {
    const value = fromHex(`9e${hex}85${ascii('a')}00`);
    const reader = new OctetReader(Uint8Array.of(value.length, ...value), 'test');
    expect(readContentType(reader, 'field')).toEqual({ type: 'image/jpeg', parameters: { name: 'a' } });
    expect(reader.atEnd).toBe(true);
    expect(reader.warnings).toEqual([expect.stringContaining('field, parameter ')]);
  });

  it('writes every charset by its MIBenum, and a name that starts with a quotation mark as text', () => {
    expect(write('text/plain', { charset: 'GB2312' })).toBe('0583810207e9');
    expect(write('text/plain', { charset: 'latin1' })).toBe('03838184');
    expect(write('text/plain', { charset: 'mib-2000' })).toBe('0583810207d0');
    expect(read(write('text/plain', { name: '"a"' })).parameters).toEqual({ name: '"a"' });
  });

  it('refuses to write a parameter name that is not a token', () => {
    expect(() => write('image/png', { 'a b': '1' })).toThrow(ConfigurationError);
  });

  it('has one code for a type, one type for a code', () => {
    for (let code = 0; code <= 0x031e; code += 1) {
      const type = mediaTypeOfCode(code);
      if (type !== undefined) expect(codeOfMediaType(type)).toBe(code);
    }
    expect(mediaTypeOfCode(0x3e)).toBe('application/vnd.wap.mms-message');
    expect(mediaTypeOfCode(0x59)).toBeUndefined();
  });

  it('reads back what it writes', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/);
    const types = fc.oneof(
      fc.tuple(token, token).map(([type, subtype]) => `${type}/${subtype}`),
      fc.constantFrom('image/jpeg', 'application/vnd.wap.emn+wbxml', 'text/plain'),
    );
    const parameters = fc.record(
      {
        name: wspTexts,
        start: wspTexts,
        charset: fc.constantFrom('utf-8', 'big5', 'koi8-r', 'gb18030', 'mib-2000'),
        type: types,
        'x-other': wspTexts,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(types, parameters, (type, original) => {
        expect(read(write(type, original))).toEqual({ type, parameters: original });
      }),
    );
  });
});
