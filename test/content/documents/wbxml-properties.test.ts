import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isElement, type MarkupElement, type MarkupValue } from '../../../core/content/markup.js';
import { decodeWbxml } from '../../../core/content/wbxml/decoder.js';
import type { WbxmlDocument } from '../../../core/content/wbxml/document.js';
import { encodeWbxml } from '../../../core/content/wbxml/encoder.js';
import { WbxmlLanguage } from '../../../core/content/wbxml/language.js';
import { parseXml } from '../../../core/content/xml/parser.js';
import { writeXml } from '../../../core/content/xml/writer.js';
import { MalformedError } from '../../../core/errors.js';

const language = new WbxmlLanguage({
  title: 'Demo',
  publicId: 0x7f,
  documentType: { publicId: '-//DEMO//DTD Demo//EN', systemId: 'http://demo.example/demo.dtd' },
  tags: { 0: { 0x05: 'root', 0x06: 'a' }, 1: { 0x05: 'far', 0x06: 'a' }, 255: { 0x3f: 'last' } },
  attributeStarts: {
    0: { 0x05: ['x'], 0x45: ['x', 'one'] },
    1: { 0x05: ['y'], 0x06: ['y', 'long '], 0x7f: ['x', 'one and'] },
  },
  attributeValues: { 0: { 0x85: 'one', 0xc5: 'é' }, 1: { 0x85: 'two', 0xff: 'two and more' } },
  opaqueAttributes: {
    y: {
      expected: 'one octet',
      decode: ([octet, ...others]) => (octet === undefined || others.length > 0 ? undefined : `#${octet}`),
      encode: (text) => (/^#\d{1,2}$/.test(text) ? Uint8Array.of(Number(text.slice(1))) : undefined),
    },
  },
});

const text = fc.oneof(
  fc.constantFrom('one', 'one and two', 'long two', 'two and more', 'é', '\u{1f4e7}', ' ', '\n'),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((any) => !/[\0\ud800-\udfff]/u.test(any)),
);
const extension = fc.constantFrom(0, 1, 2);
const octetsOrExtension = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 4 }),
  fc.record({ extension }),
  fc.record({ extension, value: fc.nat(0xffff_ffff) }),
  fc.record({ extension, value: fc.stringMatching(/^[a-z]{0,5}$/) }),
);

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** A document contains adjacent texts as one. */
function joined<T>(list: readonly T[]): T[] {
  return list.filter((item, index) => !isText(item) || !isText(list[index - 1]));
}

/** @param parts what an element and a value of an attribute can contain other than text. */
function documents(parts: fc.Arbitrary<MarkupValue>): fc.Arbitrary<MarkupElement> {
  const values = fc.array(fc.oneof(text, parts), { maxLength: 4 }).map(joined);
  const attributes = fc.uniqueArray(
    fc.oneof(
      fc.record({ name: fc.constantFrom('x', 'z'), value: values }),
      // The octets of y are text.
      fc.record({ name: fc.constant('y'), value: fc.tuple(fc.oneof(text, fc.constantFrom('#5', '#77'))) }),
    ),
    { selector: ({ name }) => name },
  );
  const { tree } = fc.letrec<{ tree: MarkupElement }>((tie) => ({
    tree: fc.record({
      name: fc.constantFrom('root', 'a', 'far', 'last', 'literal', 'other'),
      attributes,
      children: fc
        .array(fc.oneof({ maxDepth: 5 }, text, parts, tie('tree')), { maxLength: 4 })
        .map((children) => joined<MarkupElement | MarkupValue>(children)),
    }),
  }));
  return tree;
}

const anyDocument: fc.Arbitrary<Required<WbxmlDocument>> = fc.record({
  language: fc.constant(language),
  root: documents(octetsOrExtension),
  version: fc.constantFrom(1, 2, 3),
  charset: fc.constantFrom(3, 4, 106),
  publicId: fc.constantFrom(0x7f, '-//DEMO//DTD Demo//EN'),
});

function nodesOf(element: MarkupElement): number {
  return 1 + element.children.filter(isElement).reduce((sum, child) => sum + nodesOf(child), 0);
}

/** The document, if the octets are one. Any error but MalformedError fails the test. */
function documentOrMalformed(octets: Uint8Array): Required<WbxmlDocument> | undefined {
  try {
    return decodeWbxml(octets, language);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
    expect(String(error)).toMatch(/Demo.*: .+ at offset \d+: expected .+, found /);
    return undefined;
  }
}

describe('WBXML', () => {
  it('reads back any document that it writes', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(decodeWbxml(encodeWbxml(document), language)).toEqual(document);
      }),
      { numRuns: 500 },
    );
  });

  it('round-trips any XML document', () => {
    const printable = documents(text).filter(
      (root) => !/[^\n\u0080-\u009f\P{Cc}]|\r/u.test(JSON.stringify(root)),
    );
    fc.assert(
      fc.property(printable, (root) => {
        const { root: read } = decodeWbxml(encodeWbxml({ language, root }), language);
        expect(parseXml(writeXml(read, language), 'Demo')).toEqual(root);
      }),
      { numRuns: 300 },
    );
  });

  it('reads any octets as a document or as malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        documentOrMalformed(Uint8Array.of(3, 0x7f, 0x6a, 0, ...noise));
        documentOrMalformed(noise);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads changed and truncated documents as documents or as malformed', () => {
    const change = fc.record({ at: fc.nat(400), octet: fc.nat(255) });
    fc.assert(
      fc.property(
        anyDocument,
        fc.array(change, { maxLength: 3 }),
        fc.nat(400),
        (document, changes, length) => {
          const octets = encodeWbxml(document);
          for (const { at, octet } of changes) octets[at % octets.length] = octet;
          documentOrMalformed(octets);
          documentOrMalformed(octets.subarray(0, length % octets.length));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('reads no more nodes than the limit', () => {
    fc.assert(
      fc.property(documents(octetsOrExtension), fc.integer({ min: 1, max: 8 }), (root, nodes) => {
        const octets = encodeWbxml({ language, root });
        try {
          expect(nodesOf(decodeWbxml(octets, language, { limits: { nodes } }).root)).toBeLessThanOrEqual(
            nodes,
          );
        } catch (error) {
          expect(String(error)).toContain(`at most ${nodes} nodes`);
        }
      }),
      { numRuns: 300 },
    );
  });
});
