/** Documents: XML, WBXML, push documents, registrations and profiles. */

import fc from 'fast-check';
import type { DocumentCodec } from '../../core/content/document-codec.js';
import { isName, type MarkupElement, type MarkupValue } from '../../core/content/markup.js';
import { CO, cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import { EMN, emailNotification } from '../../core/content/push-documents/email-notification.js';
import { SI, serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { SL, serviceLoading } from '../../core/content/push-documents/service-loading.js';
import { type Reginfo, writeReginfo } from '../../core/content/reginfo.js';
import { readReginfo } from '../../core/content/reginfo-reader.js';
import { readProfile, type UserAgentProfile, writeProfile } from '../../core/content/user-agent-profile.js';
import { decodeWbxml } from '../../core/content/wbxml/decoder.js';
import type { WbxmlDocument } from '../../core/content/wbxml/document.js';
import { encodeWbxml } from '../../core/content/wbxml/encoder.js';
import { parseXml } from '../../core/content/xml/parser.js';
import { writeXml } from '../../core/content/xml/writer.js';
import { contentFixtures } from './fixture-bytes.js';
import { anyText, date, octets, word } from './inputs.js';
import { defineSurface, type Surface, textSeeds } from './surface.js';

const XML_WORDS = [
  ...[
    '<!DOCTYPE a>',
    '<!DOCTYPE a [',
    ']>',
    '<!ENTITY x "y">',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?xml ',
    '?>',
  ],
  ...[
    '<a>',
    '</a>',
    '<a/>',
    '<a b="c">',
    ' b="c"',
    " d='e'",
    '&amp;',
    '&#x0;',
    '&#xD800;',
    '&#65;',
    '&x;',
    'xmlns="',
  ],
  ...[
    'encoding="utf-16"',
    'encoding="iso-8859-1"',
    '<__proto__/>',
    '<constructor>',
    '<a:b xmlns:a="c"/>',
    '\ufeff',
  ],
  ...['\ufffe', '#text', ':@'],
];
const WBXML_WORDS = [
  ...[
    '\x03abc\0',
    '\x83\x01',
    '\x04\x00',
    '\x02\x87\xff\x7f',
    '\x02\xb0\x00',
    '\xc3\x03abc',
    '\x40a\0',
    '\x80\x05',
  ],
  ...[
    '\xc0',
    '\x43',
    '\x01',
    '\x00\x01',
    '\x45',
    '\xc5',
    '\x85',
    '\x03\x05\x6a\x00',
    '\x01\x04\x03\x00',
    '\x44\x00',
  ],
];

/** fast-xml-parser refuses such names. */
const ASTRAL = /[\u{10000}-\u{10ffff}]/u;

const markupName = fc.oneof(
  word,
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
    .filter((name) => isName(name) && !ASTRAL.test(name)),
);
const attributes = fc
  .uniqueArray(fc.tuple(markupName, anyText), { selector: ([name]) => name, maxLength: 3 })
  .map((entries) => entries.map(([name, text]) => ({ name, value: text === '' ? [] : [text] })));

function elements(value: fc.Arbitrary<MarkupValue>): fc.Arbitrary<MarkupElement> {
  return fc.letrec<{ element: MarkupElement }>((tie) => ({
    element: fc.record({
      name: markupName,
      attributes,
      children: fc
        .array(fc.oneof({ maxDepth: 4 }, value, tie('element')), { maxLength: 4 })
        .map((children) =>
          children.filter(
            (child, at) =>
              child !== '' && !(at > 0 && typeof child === 'string' && typeof children[at - 1] === 'string'),
          ),
        ),
    }),
  })).element;
}

const xml = defineSurface<MarkupElement>({
  name: 'xml',
  seeds: [
    ...contentFixtures('10-'),
    ...textSeeds(
      '<?xml version="1.0" encoding="UTF-8"?>\n<a b="&lt;c" d=\'e\'>f<g/><![CDATA[<h>]]>&#x41;<!-- i --></a>',
    ),
  ],
  words: XML_WORDS,
  read: (bytes) => parseXml(bytes, 'document'),
  write: (root) => writeXml(root),
  values: elements(anyText),
});

const wbxmlSeeds = [...contentFixtures('3.4-'), ...contentFixtures('3.3-')];

/** References to the string table expand: the limits of the reader apply. */
const WBXML_CONSTANT = 2 ** 21;

const wbxmlValue: fc.Arbitrary<MarkupValue> = fc.oneof(
  anyText,
  octets,
  fc.record({ extension: fc.integer({ min: 0, max: 2 }) }),
  fc.record({ extension: fc.integer({ min: 0, max: 2 }), value: fc.nat(0xffff_ffff) }),
);

const wbxml = defineSurface<WbxmlDocument>({
  name: 'wbxml',
  seeds: wbxmlSeeds,
  words: WBXML_WORDS,
  read: (bytes) => decodeWbxml(bytes, [SI, SL, CO, EMN]),
  write: encodeWbxml,
  // The writer always writes the charset of its strings.
  plain: ({ root }) => root,
  values: fc.record({
    language: fc.constantFrom(SI, SL, CO, EMN),
    root: elements(wbxmlValue),
    version: fc.constantFrom(1 as const, 2 as const, 3 as const),
    charset: fc.constantFrom(3, 4, 106),
  }),
  constant: WBXML_CONSTANT,
  limit: 2 ** 20,
});

const CODECS = { si: serviceIndication, sl: serviceLoading, co: cacheOperation, emn: emailNotification };

/** Warnings are not written, and white space in the text for the user has one meaning. */
function asRead(document: object): unknown {
  return JSON.parse(JSON.stringify(document), (name, value: unknown) => {
    if (name === 'warnings') return undefined;
    if (name !== 'text' || typeof value !== 'string') return value;
    return value.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '');
  });
}

/** Both forms of a push document. */
function documentSurfaces<T extends object>(
  name: keyof typeof CODECS,
  codec: DocumentCodec<T>,
  values: fc.Arbitrary<T>,
): Surface[] {
  const binary = wbxmlSeeds;
  const written = fc.sample(values, { seed: 1, numRuns: 5 });
  const text = written.flatMap((value) => {
    try {
      return [codec.toXml(value)];
    } catch {
      return [];
    }
  });
  const common = { values, plain: asRead, constant: WBXML_CONSTANT };
  return [
    defineSurface<T>({
      name: `${name}-xml`,
      seeds: [...text, ...textSeeds(`<${name}/>`)],
      words: [
        ...XML_WORDS,
        ' action="delete"',
        ' created="1999-06-25T15:23:15Z"',
        ' href="http://www.a.com/"',
      ],
      read: codec.fromXml,
      write: codec.toXml,
      ...common,
    }),
    defineSurface<T>({
      name: `${name}-wbxml`,
      seeds: binary,
      words: WBXML_WORDS,
      read: (bytes) => codec.fromWbxml(bytes),
      write: (value) => codec.toWbxml(value),
      ...common,
      limit: 2 ** 20,
    }),
  ];
}

const href = fc.oneof(anyText, fc.constantFrom('http://www.a.com/b', 'https://a.org/', 'x.net/y'));
const pushDocuments = [
  ...documentSurfaces(
    'si',
    serviceIndication,
    fc.record(
      {
        href,
        id: anyText,
        created: date,
        expires: date,
        action: fc.constantFrom('signal-none', 'signal-low', 'signal-medium', 'signal-high', 'delete'),
        text: anyText,
        info: fc.array(fc.record({ class: anyText, text: anyText }), { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: ['action', 'text'] },
    ),
  ),
  ...documentSurfaces(
    'sl',
    serviceLoading,
    fc.record({ href, action: fc.constantFrom('execute-low', 'execute-high', 'cache') }),
  ),
  ...documentSurfaces(
    'co',
    cacheOperation,
    fc.record({
      invalidations: fc.array(fc.record({ what: fc.constantFrom('object', 'service'), uri: href }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  ),
  ...documentSurfaces(
    'emn',
    emailNotification,
    fc.record({ mailbox: href, timestamp: date }, { requiredKeys: ['mailbox'] }),
  ),
];

const counted = fc.nat(0xffff_ffff);
const contactUri = word.map((user) => `sip:${user}@192.0.2.1;gr`);
const reginfo = defineSurface<Reginfo>({
  name: 'reginfo',
  seeds: contentFixtures('11.1-'),
  words: [
    ...XML_WORDS,
    ...[
      '<contact id="1" state="active" event="registered">',
      '</contact>',
      '<uri>sip:a@b</uri>',
      ' expires="-1"',
    ],
    ...[
      ' q="0.5"',
      '<unknown-param name="+x">"y"</unknown-param>',
      '<gr:pub-gruu uri="sip:a"/>',
      ' cseq="1"',
    ],
  ],
  read: readReginfo,
  write: writeReginfo,
  values: fc.record({
    version: counted,
    state: fc.constantFrom('full', 'partial'),
    registrations: fc.array(
      fc.record({
        aor: contactUri,
        id: anyText,
        state: fc.constantFrom('init', 'active', 'terminated'),
        contacts: fc.array(
          fc.record(
            {
              id: anyText,
              uri: contactUri,
              displayName: anyText.map((text) => text.trim()),
              state: fc.constantFrom('active', 'terminated'),
              event: fc.constantFrom('registered', 'expired', 'probation'),
              expires: counted,
              q: fc.constantFrom(0, 0.5, 0.001, 1),
              callId: anyText,
              cseq: counted,
              parameters: fc.dictionary(word, word).map((entries) => new Map(Object.entries(entries))),
              publicGruu: contactUri,
              temporaryGruu: fc.record({ uri: contactUri, firstCSeq: counted }),
            },
            { requiredKeys: ['id', 'uri', 'state', 'event', 'parameters'] },
          ),
          { maxLength: 3 },
        ),
      }),
      { maxLength: 2 },
    ),
  }),
});

const profile = defineSurface<UserAgentProfile>({
  name: 'user-agent-profile',
  seeds: contentFixtures('10-'),
  words: [
    ...XML_WORDS,
    ...[
      '<rdf:Bag>',
      '<rdf:li>a/b</rdf:li>',
      '</rdf:Bag>',
      '<prf:component>',
      '<prf:Push-Accept>',
      'rdf:ID="',
    ],
    ...[
      '<prf:Defaults>',
      '<prf:Push-MsgSize>1</prf:Push-MsgSize>',
      'ccppschema-20010430#',
      'rdf:parseType="Resource"',
    ],
  ],
  read: readProfile,
  write: writeProfile,
  values: fc.record(
    {
      vendor: word,
      model: word,
      applications: fc.uniqueArray(word, { maxLength: 4 }),
      mediaTypes: fc.uniqueArray(fc.constantFrom('a/b', 'image/*', '*/*'), { maxLength: 3 }),
      maxSize: fc.maxSafeNat(),
    },
    { requiredKeys: [] },
  ),
});

export const documentReaders: readonly Surface[] = [xml, wbxml, ...pushDocuments, reginfo, profile];
