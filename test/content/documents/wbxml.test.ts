import { describe, expect, it } from 'vitest';
import type { MarkupElement } from '../../../core/content/markup.js';
import { CO } from '../../../core/content/push-documents/cache-operation.js';
import { SI } from '../../../core/content/push-documents/service-indication.js';
import { SL } from '../../../core/content/push-documents/service-loading.js';
import { opaqueDate } from '../../../core/content/wbxml/dates.js';
import { decodeWbxml } from '../../../core/content/wbxml/decoder.js';
import { encodeWbxml } from '../../../core/content/wbxml/encoder.js';
import { WbxmlLanguage, type WbxmlTables } from '../../../core/content/wbxml/language.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fixture, fromHex, toHex } from '../fixture.js';

const tables: WbxmlTables = {
  title: 'Demo',
  publicId: 0x7f,
  documentType: { publicId: '-//DEMO//DTD Demo//EN', systemId: 'http://demo.example/demo.dtd' },
  tags: [{ 0x05: 'root', 0x06: 'a' }, { 0x05: 'far' }],
  attributeStarts: [
    { 0x05: ['x'], 0x45: ['x', 'high '] },
    { 0x05: ['y'], 0x06: ['y', 'long '] },
  ],
  attributeValues: [{ 0x85: 'one' }, { 0x85: 'two', 0xc5: 'two and more' }],
};

/** A language with two code pages, unlike the supported ones. */
const demo = new WbxmlLanguage(tables);

function root(hex: string, language = demo): MarkupElement {
  return decodeWbxml(fromHex(hex), language).root;
}

const header = '037f6a00';
/** The header as the reader returns it. */
const written = { language: demo, version: 3, charset: 106, publicId: 0x7f } as const;
const leaf = (name: string, ...children: MarkupElement['children']): MarkupElement => ({
  name,
  attributes: [],
  children,
});

describe('WBXML tokens', () => {
  it.each([
    ['an inline string', '4503410001', ['A']],
    ['adjacent strings', '4503410003420001', ['AB']],
    ['an entity', '4502823d01', ['Ľ']],
    ['opaque octets', '45c302010201', [Uint8Array.of(1, 2)]],
    ['EXT_I_1', '4541410001', [{ extension: 1, value: 'A' }]],
    ['EXT_T_2', '45820501', [{ extension: 2, value: 5 }]],
    ['EXT_0', '45c001', [{ extension: 0 }]],
    ['a processing instruction', '4543050341000101', []],
  ])('%s in content', (_name, body, children) => {
    expect(root(header + body).children).toEqual(children);
  });

  it('in attributes', () => {
    const value = [Uint8Array.of(1), 'A', { extension: 0, value: 'B' }, 'one', { extension: 1 }];
    expect(root(`${header}8505c3010103410040420085c101`).attributes).toEqual([{ name: 'x', value }]);
  });

  it('separate code pages of tags and attributes', () => {
    const document = {
      ...written,
      root: {
        name: 'root',
        attributes: [
          { name: 'y', value: ['long two'] },
          { name: 'x', value: ['one'] },
        ],
        children: [leaf('far', leaf('a')), leaf('far')],
      },
    };
    const octets = encodeWbxml(document);
    // Starts y and x: page 1, then 0. Tags far and a: page 1, 0, 1.
    expect(toHex(octets)).toBe(`${header}c50001068500000585010001450000060100010501`);
    expect(decodeWbxml(octets, demo)).toEqual(document);
  });

  it('unknown names in the string table', () => {
    const document = {
      ...written,
      root: {
        name: 'other',
        attributes: [{ name: 'odd', value: ['two'] }],
        children: [leaf('other', leaf('more', 'text'))],
      },
    };
    const octets = encodeWbxml(document);
    expect(toHex(octets)).toContain(toHex(new TextEncoder().encode('other\0odd\0more\0')));
    expect(decodeWbxml(octets, demo)).toEqual(document);
  });

  it('a string table with a repeated text', () => {
    expect(root('037f6a034142004583008301830001').children).toEqual(['ABBAB']);
  });

  it.each([
    ['UTF-16', '037f8777004503feff0041000001', 'A'],
    ['ISO 8859-1', '037f04004503e90001', 'é'],
    ['unspecified, which is UTF-8', '037f00004503c3a90001', 'é'],
  ])('charset %s', (_name, hex, text) => {
    expect(root(hex).children).toEqual([text]);
  });
});

describe('WBXML documents', () => {
  it('are recognized by their public identifier, as number or text', () => {
    const sl = fixture('valid', '3.4-sl');
    expect(decodeWbxml(sl, [SI, SL, CO]).language).toBe(SL);
    expect(() => decodeWbxml(sl, [SI, CO])).toThrow('SI 1.0 or CO 1.0: public identifier at offset 1');
    const text = toHex(new TextEncoder().encode(`${SL.documentType?.publicId}\0`));
    const length = (text.length / 2).toString(16);
    const written = fromHex(`0300006a${length}${text}05`);
    expect(decodeWbxml(written, [SI, SL]).language).toBe(SL);
  });

  it('of unknown type are accepted if one language is expected', () => {
    const unknown = fromHex('03016a0005');
    expect(decodeWbxml(unknown, [SL]).root.name).toBe('sl');
    expect(() => decodeWbxml(unknown, [SI, SL])).toThrow(MalformedError);
  });

  it('ignore zero octets and processing instructions after the root, and report others', () => {
    for (const end of ['', '00', '000000', '434501']) {
      expect(decodeWbxml(fromHex(`03016a0005${end}`), SL)).toMatchObject({ warnings: undefined });
    }
    for (const end of ['05', '01', '0001']) {
      expect(decodeWbxml(fromHex(`03016a0005${end}`), SL).warnings).toEqual([
        expect.stringContaining('expected the end after the root element'),
      ]);
    }
  });

  it.each([
    ['nothing', ''],
    ['version 1.0', '007f6a0005'],
    ['version 1.4', '047f6a0005'],
    ['a string table past the end', '037f6a0a05'],
    ['no root', header],
    ['an unknown tag', `${header}3e`],
    ['a tag on an unknown page', `${header}000905`],
    ['an unknown attribute', `${header}853e01`],
    ['a repeated attribute', `${header}85050501`],
    ['an unknown value', `${header}8505ff01`],
    ['an unterminated string', `${header}450341`],
    ['a string of the table past its end', '037f6a02410045830201'],
    ['an unterminated string in the table', '037f6a02414145830001'],
    ['opaque octets past the end', `${header}45c3ff7f01`],
    ['an entity past Unicode', `${header}4502c4808001`],
    ['33 levels', `${header}${'45'.repeat(32)}05${'01'.repeat(32)}`],
    ['unterminated content', `${header}45`],
  ])('%s: malformed', (_name, hex) => {
    expect(() => root(hex)).toThrow(MalformedError);
  });

  it('reports the offset and what was expected', () => {
    expect(() => root(`${header}45000107`)).toThrow(
      'Demo: tag at offset 7: expected a tag of Demo on code page 1, not 07, found octet 07 and 0 more',
    );
  });

  it('33 attributes: malformed', () => {
    const names = Array.from({ length: 33 }, (_, index) =>
      String.fromCharCode(index < 26 ? 0x41 + index : 0x61 + index - 26),
    );
    const table = names.map((name) => `${toHex(new TextEncoder().encode(name))}00`).join('');
    const attributes = names.map((_name, index) => `04${(2 * index).toString(16).padStart(2, '0')}`).join('');
    expect(() => root(`037f6a${(66).toString(16)}${table}85${attributes}01`)).toThrow(
      'at most 32 attributes',
    );
  });

  it('that expand to more than a million characters are malformed, and take no memory', () => {
    // 16 KiB of text with 30,000 references: half a gigabyte.
    const text = new Uint8Array(16_385).fill(0x41);
    text[16_384] = 0;
    const references = Uint8Array.from({ length: 60_000 }, (_, index) => (index % 2 === 0 ? 0x83 : 0x00));
    const start = fromHex('037f6a818001');
    const bomb = Uint8Array.of(...start, ...text, 0x45, ...references, 0x01);
    expect(() => decodeWbxml(bomb, [demo])).toThrow('expected a document of at most 1048576 characters');
  });

  it('contain no zero character in a string', () => {
    const document = { language: demo, root: leaf('root', 'a\0b') };
    expect(() => encodeWbxml(document)).toThrow(ConfigurationError);
  });
});

describe('dates in octets', () => {
  it.each([
    ['19990630', '1999-06-30T00:00:00Z'],
    ['19990625152315', '1999-06-25T15:23:15Z'],
    ['202401020304', '2024-01-02T03:04:00Z'],
    ['20240102030020', '2024-01-02T03:00:20Z'],
    ['20000101', '2000-01-01T00:00:00Z'],
  ])('%s is %s', (hex, date) => {
    expect(opaqueDate.decode(fromHex(hex))).toBe(date);
    expect(toHex(opaqueDate.encode(date) ?? new Uint8Array())).toBe(hex);
  });

  it.each(['199906', '1999063000000000', '19991330', '1999063a', '19990230', '1999063024', ''])(
    '%s is not a date',
    (hex) => {
      expect(opaqueDate.decode(fromHex(hex))).toBeUndefined();
    },
  );

  it.each(['1999-06-31T00:00:00Z', '1999-06-30', 'yesterday'])('%s is not a date', (text) => {
    expect(opaqueDate.encode(text)).toBeUndefined();
  });
});
