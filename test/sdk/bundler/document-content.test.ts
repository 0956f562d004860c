/** XML as a bundle reads it: the same as fast-xml-parser does. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentContent } from '../../../core/content/xml/parser.js';
import { MalformedError } from '../../../core/errors.js';
import { documentContent as bundled } from '../../../sdk/bundler/runtime/document-content.js';

function outcome(read: typeof documentContent, xml: string): unknown {
  try {
    const content = read(xml, 'XML');
    // Nothing behind the root: `parseXml` sees to that, whoever reads.
    return content.length > 1 ? 'malformed' : content;
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
    return 'malformed';
  }
}

/** Elements in elements, as a writer might write them. */
const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom('a', 'b:c', 'si-x', '_d.1'),
      fc.uniqueArray(
        fc.tuple(fc.constantFrom('x', 'xml:lang', 'y-z'), fc.constantFrom('"1"', "'2 \t\n'", '"&#x41;>"')),
        {
          selector: ([name]) => name,
          maxLength: 3,
        },
      ),
      tie('content'),
    )
    .map(([name, attributes, content]) => {
      const written = attributes.map(([key, value]) => `\n ${key} = ${value}`).join('');
      return content === '' ? `<${name}${written} />` : `<${name}${written}>${content}</${name} >`;
    }),
  content: fc
    .array(
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(
          'text',
          ' \r\n',
          '&amp;',
          '&#65;',
          '<!-- c -->',
          '<?pi x?>',
          '<![CDATA[<&]]>',
          '>',
          '&',
        ),
        tie('element'),
      ),
      { maxLength: 5 },
    )
    .map((pieces) => pieces.join('')),
}));

describe('XML in a bundle', () => {
  it('is read as by fast-xml-parser', () => {
    fc.assert(
      fc.property(element, (xml) => {
        expect(outcome(bundled, xml)).toEqual(outcome(documentContent, xml));
      }),
      { numRuns: 5000 },
    );
  });

  it('is refused where fast-xml-parser does', () => {
    const piece = fc.constantFrom(
      ...[
        '<',
        '>',
        '/',
        '</',
        '<a>',
        '</a>',
        'b',
        '="1"',
        '"',
        ' ',
        '&',
        'amp;',
        '<!--',
        '-->',
        ']]>',
        '<?',
        '?>',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const xml = `<a>${pieces.join('')}</a>`;
        if (outcome(documentContent, xml) === 'malformed') expect(outcome(bundled, xml)).toBe('malformed');
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['<', '<'],
    ['<a ', '<a '],
    ['blanks in a tag', ' '],
    ['<!--', '<!--'],
    ['<a b="', 'x'],
    [' b="1"', ' b="1"'],
    ['<![CDATA[', '<a><![CDATA['],
  ])('64 KiB of %s cost nothing', (_name, piece) => {
    expect(outcome(bundled, `<a${piece.repeat(Math.floor(65_000 / piece.length))}`)).toBe('malformed');
  });

  it('nests as deep as elsewhere', () => {
    expect(outcome(bundled, '<a>'.repeat(40) + '</a>'.repeat(40))).toBe('malformed');
    expect(outcome(bundled, '<a>'.repeat(30) + '</a>'.repeat(30))).not.toBe('malformed');
  });
});
