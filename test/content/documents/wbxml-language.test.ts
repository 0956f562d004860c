import { describe, expect, it } from 'vitest';
import type { MarkupElement } from '../../../core/content/markup.js';
import { decodeWbxml } from '../../../core/content/wbxml/decoder.js';
import type { WbxmlDocument } from '../../../core/content/wbxml/document.js';
import { encodeWbxml } from '../../../core/content/wbxml/encoder.js';
import { WbxmlLanguage, type WbxmlTables } from '../../../core/content/wbxml/language.js';
import { parseXml } from '../../../core/content/xml/parser.js';
import { writeXml } from '../../../core/content/xml/writer.js';
import { ConfigurationError } from '../../../core/errors.js';
import { fromHex, toHex } from '../fixture.js';

/** Names that occur on several pages, as those of Client Provisioning do. */
const tables: WbxmlTables = {
  title: 'Pages',
  tags: { 0: { 0x05: 'root', 0x06: 'item' }, 200: { 0x06: 'item', 0x07: 'far' } },
  attributeStarts: {
    0: { 0x05: ['name'], 0x06: ['name', 'A'], 0x07: ['value'] },
    1: { 0x05: ['name'], 0x45: ['name', 'ABC'], 0x07: ['value'] },
  },
  attributeValues: { 0: { 0x85: '.com', 0x86: '.com/' }, 1: { 0xc5: '.net' } },
};
const language = new WbxmlLanguage(tables);
const element = (
  name: string,
  attributes: Record<string, string> = {},
  ...children: MarkupElement['children']
): MarkupElement => ({
  name,
  attributes: Object.entries(attributes).map(([attribute, value]) => ({ name: attribute, value: [value] })),
  children,
});
const written = (root: MarkupElement) => toHex(encodeWbxml({ language, root }));
const header = '03016a00';

describe('the tables of a language', () => {
  it('map tokens to names, and names to tokens', () => {
    expect(language.tag(200, 0x07)).toBe('far');
    expect(language.tag(1, 0x07)).toBeUndefined();
    expect(language.attributeStart(1, 0x45)).toEqual({ name: 'name', prefix: 'ABC' });
    expect(language.attributeValue(1, 0xc5)).toBe('.net');
    expect(language.tokenOfTag('item', 200)).toEqual({ page: 200, token: 6 });
    expect(language.tokenOfTag('none', 0)).toBeUndefined();
    expect(language.tokenOfAttribute('none', '', 0)).toBeUndefined();
    expect(language.tokenOfValue(0, 'a.com/b', 1)).toEqual({ page: 0, token: 0x86, text: '.com/' });
  });

  it.each<[string, Partial<WbxmlTables>, string]>([
    ['a tag with a flag', { tags: [{ 0x45: 'a' }] }, 'invalid token 45 of tag "a"'],
    ['a global token as tag', { tags: [{ 0x04: 'a' }] }, 'invalid token 4 of tag "a"'],
    ['an attribute start above 7F', { attributeStarts: [{ 0x85: ['a'] }] }, 'invalid token 85'],
    ['a global token as attribute', { attributeStarts: [{ 0x43: ['a', 'b'] }] }, 'invalid token 43'],
    ['an attribute value below 80', { attributeValues: [{ 0x05: 'a' }] }, 'invalid token 5'],
    ['a global token as value', { attributeValues: [{ 0xc3: 'a' }] }, 'invalid token C3'],
    ['an empty attribute value', { attributeValues: [{ 0x85: '' }] }, 'invalid token 85'],
    ['a page above 255', { tags: { 256: { 0x05: 'a' } } }, 'invalid code page 256'],
    ['the public identifier of another coding', { publicId: 0 }, 'invalid public identifier 0'],
  ])('reject %s', (_name, change, message) => {
    expect(() => new WbxmlLanguage({ ...tables, ...change })).toThrow(message);
    expect(() => new WbxmlLanguage({ ...tables, ...change })).toThrow(ConfigurationError);
  });

  it.each<[string, unknown, string]>([
    ['no tables', undefined, 'invalid tables of a document type: expected { title:'],
    ['no title', { tags: [] }, 'invalid tables of a document type: expected { title:'],
    [
      'no tags',
      { title: 'T' },
      "T: invalid tags: expected code pages of tokens, as in tags: [{ 0x05: 'si' }], not undefined",
    ],
    [
      'tags without code pages',
      { title: 'T', tags: { 5: 'a' } },
      'T: invalid code page 5 of tags: expected code pages',
    ],
    ['a list of names', { title: 'T', tags: [['a']] }, 'T: invalid code page 0 of tags'],
    [
      'a tag that is no text',
      { title: 'T', tags: [{ 5: ['a'] }] },
      'T: invalid token 5 of code page 0 of tags',
    ],
    [
      'an attribute start that is a text',
      { ...tables, attributeStarts: [{ 5: 'name' }] },
      "Pages: invalid token 5 of code page 0 of attributeStarts: expected code pages of tokens, as in attributeStarts: [{ 0x0b: ['href'], 0x0c: ['href', 'http://'] }], not a string",
    ],
    [
      'a prefix that is no text',
      { ...tables, attributeStarts: [{ 5: ['name', 1] }] },
      'invalid token 5 of code page 0',
    ],
    ['attribute starts that are a text', { ...tables, attributeStarts: 'name' }, 'invalid attributeStarts'],
    ['an attribute value that is no text', { ...tables, attributeValues: [{ 0x85: 1 }] }, 'invalid token 85'],
  ])('are of the right types: not %s', (_, wrong, message) => {
    const made = () => new WbxmlLanguage(wrong as WbxmlTables);
    expect(made).toThrow(TypeError);
    expect(made).toThrow(message);
  });
});

describe('arguments of other types are TypeErrors', () => {
  const octets = encodeWbxml({ language, root: element('root') });
  const root = { name: 'a', attributes: [], children: [] };

  it.each<[string, readonly unknown[], string]>([
    ['no octets', [], 'invalid WBXML document: expected a Uint8Array, not undefined'],
    ['a text', ['03016a', language], 'expected a Uint8Array, not a string'],
    ['an ArrayBuffer', [octets.buffer, language], 'expected a Uint8Array, not an object'],
    ['no language', [octets], 'invalid document type: expected a WbxmlLanguage'],
    ['tables', [octets, tables], 'invalid document type: expected a WbxmlLanguage'],
    ['an empty list', [octets, []], 'expected a WbxmlLanguage, or at least one in a list'],
    [
      'options that are no object',
      [octets, language, 'utf-8'],
      'invalid options: expected { charset, limits }',
    ],
  ])('decodeWbxml: %s', (_, args, message) => {
    const decode = () => Reflect.apply(decodeWbxml, undefined, args);
    expect(decode).toThrow(TypeError);
    expect(decode).toThrow(message);
  });

  const WRONG_ELEMENTS: [string, unknown, string][] = [
    ['no element', undefined, 'invalid element: expected { name, attributes, children }'],
    ['an element without attributes', { name: 'a', children: [] }, 'invalid element: expected'],
    [
      'an attribute whose value is a text',
      { ...root, attributes: [{ name: 'b', value: 'c' }] },
      "invalid attribute of element a: expected { name: 'x', value: ['text'] }",
    ],
    [
      'a part that is a number',
      { ...root, attributes: [{ name: 'b', value: [1] }] },
      'invalid part of attribute b of element a: expected a string, a Uint8Array or { extension, value }, not a number',
    ],
    ['a child that is a number', { ...root, children: [1] }, 'invalid child of element a: expected a string'],
    ['a wrong child', { ...root, children: [{ name: 'b' }] }, 'invalid element: expected'],
  ];

  it.each<[string, unknown, string]>([
    ['no document', undefined, 'invalid WBXML document: expected { language, root }, not undefined'],
    ['no language', { root }, 'invalid document type: expected a WbxmlLanguage'],
    ...WRONG_ELEMENTS.map(([name, wrong, message]): [string, unknown, string] => [
      name,
      { language, root: wrong },
      message,
    ]),
  ])('encodeWbxml: %s', (_, document, message) => {
    const encode = () => encodeWbxml(document as WbxmlDocument);
    expect(encode).toThrow(TypeError);
    expect(encode).toThrow(message);
  });

  it.each(WRONG_ELEMENTS)('writeXml: %s', (_, wrong, message) => {
    expect(() => writeXml(wrong as MarkupElement)).toThrow(TypeError);
    expect(() => writeXml(wrong as MarkupElement)).toThrow(message);
  });

  it.each<[string, readonly unknown[], string]>([
    ['a text', ['<a/>', 'A'], 'invalid XML document: expected a Uint8Array, not a string'],
    ['no title', [new Uint8Array()], 'invalid title of an XML document: expected a string, not undefined'],
  ])('parseXml: %s', (_, args, message) => {
    const parse = () => Reflect.apply(parseXml, undefined, args);
    expect(parse).toThrow(TypeError);
    expect(parse).toThrow(message);
  });

  it('except a version of WBXML that does not exist', () => {
    const version = 4 as never;
    expect(() => encodeWbxml({ language, root, version })).toThrow(
      'invalid version 4 of WBXML: expected 1, 2 or 3',
    );
  });
});

describe('the writer', () => {
  it('stays on the current code page if the name is on it', () => {
    const root = element('root', {}, element('far', {}, element('item')), element('item'));
    // far: page 200; both items are on it too.
    expect(written(root)).toBe(`${header}4500c84706010601`);
  });

  it.each([3, 4, 106])(
    'refuses half of a surrogate pair in charset %i, which readers refuse as an entity',
    (charset) => {
      const root = element('root', {}, 'a\ud800');
      expect(() => encodeWbxml({ language, root, charset })).toThrow(ConfigurationError);
    },
  );

  it('prefers the attribute start with the longest prefix, then the current page', () => {
    const root = element('root', { name: 'ABCD', value: 'x.net' });
    // Page 1: name=ABC, "D"; value, "x", .net.
    expect(written(root)).toBe(`${header}8500014503440007037800c501`);
  });

  it.each<[string, Partial<WbxmlDocument>, string]>([
    ['the well-known public identifier', { publicId: 0x0b }, '030b6a00'],
    ['a public identifier as text', { publicId: '-//X' }, '0300006a052d2f2f5800'],
    ['version 1.1', { version: 1 }, '01016a00'],
    ['charset US-ASCII', { charset: 3 }, '03010300'],
  ])('writes %s', (_name, change, start) => {
    const octets = encodeWbxml({ language, root: element('root'), ...change });
    expect(toHex(octets)).toBe(`${start}05`);
  });

  it('writes the public identifier of the DOCTYPE as text if the language has no number', () => {
    const named = new WbxmlLanguage({ ...tables, documentType: { publicId: '-//P', systemId: 'p' } });
    const octets = encodeWbxml({ language: named, root: element('root') });
    expect(toHex(octets)).toBe('0300006a052d2f2f500005');
    expect(decodeWbxml(octets, [language, named])).toMatchObject({ language: named, publicId: '-//P' });
  });

  it.each([
    [3, '03010300c507036100028169036200010361000287e96702816901'],
    [4, '03010400c5070361e96200010361000287e96703e90001'],
    [106, '03016a00c5070361c3a96200010361f09f93a7c3a90001'],
  ])('writes characters outside of charset %i as entities', (charset, hex) => {
    const root = element('root', { value: 'aéb' }, 'a\u{1f4e7}é');
    const octets = encodeWbxml({ language, root, charset });
    expect(toHex(octets)).toBe(hex);
    expect(decodeWbxml(octets, language)).toMatchObject({ charset, root });
  });

  it.each<[string, MarkupElement, Partial<WbxmlDocument>]>([
    ['a charset that it cannot write', element('root'), { charset: 1015 }],
    ['a name outside of the charset', element('é'), { charset: 3 }],
    ['a literal name that is not a name', element('a b'), {}],
    ['a literal attribute that is not a name', element('root', { '': '' }), {}],
    ['the public identifier 0', element('root'), { publicId: 0 }],
    ['an extension that does not exist', element('root', {}, { extension: 3 }), {}],
    ['a number above 32 bits', element('root', {}, { extension: 0, value: 2 ** 32 }), {}],
  ])('rejects %s', (_name, root, change) => {
    expect(() => encodeWbxml({ language, root, ...change })).toThrow(ConfigurationError);
  });
});

describe('the reader', () => {
  it.each([
    ['a surrogate', '450283b00001'],
    ['the zero character', '45020001'],
  ])('rejects an entity of %s', (_name, body) => {
    expect(() => decodeWbxml(fromHex(header + body), language)).toThrow('expected a character of ISO 10646');
  });

  it.each([
    ['an empty name', '00'],
    ['markup', '613e00'],
    ['a digit', '3100'],
  ])('rejects %s as a literal name', (_name, table) => {
    const start = `03016a0${table.length / 2}${table}`;
    for (const body of ['0400', '85040001']) {
      expect(() => decodeWbxml(fromHex(start + body), language)).toThrow('expected a reference to a name');
    }
  });

  it('uses the charset of the media type if the document does not specify one', () => {
    const octets = fromHex('030100004503e90001');
    expect(decodeWbxml(octets, language, { charset: 4 }).root.children).toEqual(['é']);
    expect(decodeWbxml(octets, language, { charset: 4 }).charset).toBe(4);
    expect(decodeWbxml(octets, language, { charset: 'ISO-8859-1' })).toMatchObject({ charset: 4 });
    // KOI8-R, whose E9 is another letter.
    expect(decodeWbxml(octets, language, { charset: 'koi8-r' }).root.children).toEqual(['И']);
  });

  it.each(['*', '', 'UTF-8', undefined])('reads UTF-8 if the charset of the media type is %j', (charset) => {
    const octets = fromHex('030100004503c3a90001');
    expect(decodeWbxml(octets, language, { charset })).toMatchObject({
      charset: 106,
      root: { children: ['é'] },
    });
  });

  it('reads text in a charset that has no number like text without a charset', () => {
    const read = (text: string) =>
      decodeWbxml(fromHex(`0301000045${text}01`), language, { charset: 'x-own' });
    expect(read('03c3a900').root.children).toEqual(['é']);
    expect(read('03e900').root.children).toEqual(['é']);
  });

  it('prefers its own charset to that of the media type', () => {
    const octets = fromHex('0301040045 03e90001'.replace(' ', ''));
    expect(decodeWbxml(octets, language, { charset: 'koi8-r' })).toMatchObject({
      charset: 4,
      root: { children: ['é'] },
    });
  });

  it('names the code page of an unknown attribute', () => {
    expect(() => decodeWbxml(fromHex(`${header}8500010601`), language)).toThrow(
      'Pages: root at offset 7: expected an attribute of Pages on code page 1, not 06, found octet 06 and 1 more',
    );
  });

  it.each([
    ['octets', { octets: 8 }, 'Pages: document at offset 8: expected at most 8 octets'],
    ['nodes', { nodes: 2 }, 'Pages: element at offset 10: expected a document of at most 2 nodes'],
    ['depth', { depth: 1 }, 'Pages: element at offset 10: expected at most 1 levels'],
    ['characters', { characters: 2 }, 'Pages: root at offset 7: expected a document of at most 2 characters'],
  ])('limits %s', (_name, limits, message) => {
    const octets = fromHex(`${header}c5000145010601`);
    expect(decodeWbxml(octets, language).root.attributes).toEqual([{ name: 'name', value: ['ABC'] }]);
    expect(() => decodeWbxml(octets, language, { limits })).toThrow(message);
  });

  it.each([0, 501, Number.NaN])('rejects the limit of %s levels', (depth) => {
    expect(() => decodeWbxml(fromHex(`${header}05`), language, { limits: { depth } })).toThrow(
      'expected 1 to 500',
    );
  });

  it('reads 500 levels if asked to', () => {
    const octets = fromHex(`${header}${'46'.repeat(499)}06${'01'.repeat(499)}`);
    expect(decodeWbxml(octets, language, { limits: { depth: 500 } }).root.name).toBe('item');
    expect(() => decodeWbxml(octets, language)).toThrow('expected at most 32 levels');
  });
});
