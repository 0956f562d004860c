import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MarkupElement } from '../../../core/content/markup.js';
import { SI } from '../../../core/content/push-documents/service-indication.js';
import { parseXml, parseXmlDocument } from '../../../core/content/xml/parser.js';
import { writeXml } from '../../../core/content/xml/writer.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fromHex } from '../fixture.js';

const parse = (xml: string) => parseXml(new TextEncoder().encode(xml), 'SI 1.0');

describe('reading XML', () => {
  it('returns elements, attributes and texts in order', () => {
    expect(
      parse('<a x="1" y=" &quot;2&#x41; "> t<b/>u<![CDATA[<&amp;]]>&amp;<!-- c --><?pi x?></a>'),
    ).toEqual({
      name: 'a',
      attributes: [
        { name: 'x', value: ['1'] },
        { name: 'y', value: [' "2A '] },
      ],
      children: [' t', { name: 'b', attributes: [], children: [] }, 'u<&amp;&'],
    });
  });

  it('accepts comments, instructions and white space before and after the root', () => {
    const xml =
      '<?xml version="1.0"?>\n<!-- a -->\n<!DOCTYPE a>\n<?pi x?><a>1<!-- 2 -->3</a>\n<!-- b -->\n<?pi?> ';
    expect(parse(xml)).toEqual({ name: 'a', attributes: [], children: ['13'] });
  });

  it('normalizes line ends and the white space of attributes', () => {
    expect(parse('<a x="1\r\n2\t3&#10;4">\r\n5\r6</a>')).toMatchObject({
      attributes: [{ name: 'x', value: ['1 2 3\n4'] }],
      children: ['\n5\n6'],
    });
  });

  it.each([
    ['a byte order mark', 'efbbbf3c612f3e'],
    ['UTF-16', 'feff003c0061002f003e'],
    ['UTF-16, little-endian', 'fffe3c0061002f003e00'],
  ])('accepts %s', (_name, hex) => {
    expect(parseXml(fromHex(hex), 'SI 1.0').name).toBe('a');
  });

  it('uses the charset of the declaration', () => {
    const octets = Uint8Array.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\u00e9</a>', (character) =>
      character.charCodeAt(0),
    );
    expect(parseXml(octets, 'SI 1.0').children).toEqual(['é']);
  });

  it.each([
    ['nothing', ''],
    ['only text', 'text'],
    ['two roots', '<a/><b/>'],
    ['text after the root', '<a/>x'],
    ['text after the root, before a comment', '<a/>x<!-- -->'],
    ['text after the root, before an instruction', '<a/>x<?pi?>'],
    ['text after the root, before a document type', '<a/>x<!DOCTYPE a>'],
    ['a document type after the root', '<a/><!DOCTYPE a>'],
    ['text before the root', 'x<a/>'],
    ['a CDATA section after the root', '<a/><![CDATA[x]]>'],
    ['an element without an end tag', '<r><a></r>'],
    ['an incomplete tag', '<a'],
    ['a repeated attribute', '<a b="1" b="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['an internal entity', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ['an internal entity after an instruction', '<!DOCTYPE a [<?x?><!ENTITY e "x">]><a/>'],
    ['a document type without an end', '<!DOCTYPE a SYSTEM "a.dtd" [ ]<a/>'],
    ['an internal subset without an end', '<!DOCTYPE a [ <?x?> <a/>'],
    ['two document types', '<!DOCTYPE a><!DOCTYPE a><a/>'],
    ["an entity that is not XML's", '<a>&nbsp;</a>'],
    ['a single ampersand', '<a b="x?y=1&z=2"/>'],
    ['an invalid character reference', '<a>&#x110000;</a>'],
    ['a forbidden character reference', '<a>&#0;</a>'],
    ['a control character', '<a>\u0007</a>'],
    ['a reference to half of a surrogate pair', '<a>&#xD800;</a>'],
    ['a noncharacter', '<a>\uffff</a>'],
    ['the name __proto__', '<__proto__/>'],
    ['more than 32 levels', '<a>'.repeat(40) + '</a>'.repeat(40)],
    ['more than 64 KiB', `<a>${'x'.repeat(65_536)}</a>`],
  ])('refuses %s', (_name, xml) => {
    expect(() => parse(xml)).toThrow(MalformedError);
  });

  it.each([
    ['<!DOCTYPE a PUBLIC "-//X//DTD A 1.0//EN" "a.dtd"><a/>', '-//X//DTD A 1.0//EN', 'a.dtd', []],
    ["<?xml version='1.0'?><!DOCTYPE a SYSTEM 'a.dtd' [ ]><a/>", undefined, 'a.dtd', []],
    [
      '<!DOCTYPE a PUBLIC "p" [\n<?ver of="2.0"?>\n<!-- <?no?> --> <?other?>]>\n<a/>',
      'p',
      undefined,
      [
        { target: 'ver', data: 'of="2.0"' },
        { target: 'other', data: '' },
      ],
    ],
    [
      '<!DOCTYPE a [<?one <!-- ?><?two b?><!-- <?no -->]><a/>',
      undefined,
      undefined,
      [
        { target: 'one', data: '<!--' },
        { target: 'two', data: 'b' },
      ],
    ],
  ])('returns the document type of %s', (xml, publicId, systemId, instructions) => {
    const { root, documentType } = parseXmlDocument(new TextEncoder().encode(xml), 'A');
    expect(root.name).toBe('a');
    expect(documentType).toEqual({ publicId, systemId, instructions });
  });

  it('names the line of an error after a document type of several lines', () => {
    expect(() => parse('<!DOCTYPE r [\n<?x?>\n]>\n<r><a></r>')).toThrow('line 4, column 7: ');
  });

  it('reports line and column', () => {
    expect(() => parse('<r>\n<a></r>')).toThrow('SI 1.0: line 2, column 4: ');
  });

  it('does not name a thousand open elements in an error', () => {
    expect(() => parse('<a>'.repeat(1000))).toThrow(/^.{1,1000}$/s);
  });

  it('is not vulnerable to prototype pollution', () => {
    const { children, attributes } = parse('<a __proto__="1" constructor="2"><toString/></a>');
    expect(children).toHaveLength(1);
    expect(attributes.map(({ name }) => name)).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each([
    ['<', '<'],
    ['<a>', '<a>'],
    ['<!--', '<!--'],
    ['<!DOCTYPE ', '<!DOCTYPE '],
    ['&', '&'],
    ['<a b="', 'x'],
    ['<![CDATA[', '<a><![CDATA['],
  ])('rejects 64 KiB of %s', (piece, start) => {
    expect(() => parse(start + piece.repeat(Math.floor(65_000 / piece.length)))).toThrow(MalformedError);
  });

  it('reads any text as elements, or throws MalformedError', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      'a',
      'b',
      '="',
      '"',
      ' ',
      '&',
      'amp;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '<!DOCTYPE',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parse(`<a>${pieces.join('')}</a>`);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('writing XML', () => {
  const text = (value: string): MarkupElement => ({ name: 'si', attributes: [], children: [value] });

  it('has the DOCTYPE of its language', () => {
    const root: MarkupElement = {
      name: 'si',
      attributes: [{ name: 'x', value: ['<"&\n'] }],
      children: [{ name: 'a', attributes: [], children: [] }, ']]>'],
    };
    expect(new TextDecoder().decode(writeXml(root, SI))).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<!DOCTYPE si PUBLIC "-//WAPFORUM//DTD SI 1.0//EN" "http://www.wapforum.org/DTD/si.dtd">\n' +
        '<si x="&lt;&quot;&amp;&#10;"><a/>]]&gt;</si>\n',
    );
  });

  it('refuses values that XML does not allow', () => {
    expect(() => writeXml(text('\u0000'), SI)).toThrow(ConfigurationError);
    expect(() => writeXml({ ...text(''), name: 'a><b' }, SI)).toThrow('invalid name');
    const attributes = [{ name: 'a b', value: [] }];
    expect(() => writeXml({ ...text(''), attributes }, SI)).toThrow('invalid name');
    expect(() => writeXml({ ...text(''), name: 'a\u1680b' }, SI)).toThrow('invalid name');
    expect(() => writeXml(text('\ud800'), SI)).toThrow(ConfigurationError);
    expect(() => writeXml({ ...text(''), children: [Uint8Array.of(1)] }, SI)).toThrow(ConfigurationError);
  });

  it('is read back', () => {
    const texts = fc
      .string({ unit: 'grapheme-composite' })
      .map((value) => `x${value.replace(/[^\t\n\r\P{Cc}]/gu, '')}`);
    fc.assert(
      fc.property(texts, (value) => {
        expect(parseXml(writeXml(text(value), SI), 'SI 1.0').children).toEqual([value]);
      }),
    );
  });
});
