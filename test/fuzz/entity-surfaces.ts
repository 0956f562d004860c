/** Entities: media types, multiparts, push messages, references, and content codings. */

import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decodeCharset } from '../../core/content/charset.js';
import { type MediaType, memoryContent, readAll, streamOf } from '../../core/content/content.js';
import { decodeStream, encodedContent, parseContentEncoding } from '../../core/content/content-coding.js';
import { decodeEncodedWords } from '../../core/content/encoded-words.js';
import { buildExternalBody, type ExternalBody, parseExternalBody } from '../../core/content/external-body.js';
import { formatHttpDate, parseLenientDate } from '../../core/content/http-headers.js';
import {
  formatMediaType,
  isMediaRange,
  matchesMediaRange,
  parseMediaType,
  readMediaType,
} from '../../core/content/media-type.js';
import { decodeMultipart, encodeMultipart, readMultipart } from '../../core/content/multipart/multipart.js';
import type { Part } from '../../core/content/multipart/part.js';
import { type PushMessage, pushHeadersOf, textEnvelope } from '../../core/content/push-message.js';
import { rawContentType } from '../../core/content/raw-content.js';
import { MalformedError } from '../../core/errors.js';
import { wspTexts } from '../content/wsp/wsp-texts.js';
import { contentFixtures } from './fixture-bytes.js';
import { anyText, octets, token, word } from './inputs.js';
import { defineSurface, encode, ofText, type Surface, textSeeds } from './surface.js';
import { difference } from './values.js';

const WORDS = [
  ...[
    'Content-Type: ',
    'text/plain',
    'multipart/mixed;boundary=b',
    '\r\n\r\n',
    '\n\n',
    '\r\n ',
    '; charset="utf-8"',
  ],
  ...[
    '\r\n--b\r\n',
    '\r\n--b--\r\n',
    '--b',
    '--b--',
    '--b \t\r\n',
    '"a\\"b"',
    ';;',
    'Content-ID: <a>',
    '*/*',
    'image/*',
  ],
  ...[
    'X-Wap-Application-Id: 4',
    'Push-Flag: 3',
    'access-type=URL',
    'URL="http://a/b"',
    'size=5',
    'expiration="',
  ],
  ...[
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
    '=C3=A9=\r\n',
    'Sat, 05 Jul 2008 09:00:00 GMT',
    '31 June 2008',
    '+0200',
    'message/external-body',
    'gzip',
    'deflate, x-gzip',
  ],
];

const parameterText = anyText.map((text) => text.replace(/[\p{Cc}\p{Cs}]/gu, ' '));
const mediaTypes: fc.Arbitrary<MediaType> = fc.record({
  type: fc.tuple(word, word).map((parts) => parts.join('/')),
  parameters: fc.dictionary(word, parameterText, { maxKeys: 3 }),
});

const mediaType = defineSurface<MediaType>({
  name: 'media-type',
  seeds: textSeeds('text/vnd.wap.si; charset="utf-8"; x="a\\"b"', 'A/B;c=d;', ' a / b ; c = "" '),
  words: WORDS,
  read: ofText((text) => {
    isMediaRange(text);
    matchesMediaRange(text, text);
    return parseMediaType(text);
  }),
  write: (type) => encode(formatMediaType(type)),
  // Control characters are written as blanks.
  plain: ({ type, parameters }) => [
    type,
    Object.entries(parameters).map(([name, value]) => [name, value.replace(/\p{Cc}/gu, ' ')]),
  ],
  values: mediaTypes,
});

/** A media type of a part, with comments and malformed parameters. */
const receivedMediaType = defineSurface<MediaType>({
  name: 'received-media-type',
  seeds: textSeeds(
    'text/plain; charset=us-ascii (Plain (nested) text)',
    'a/b; name=photo 1.jpg; c=d; c=e',
    'a/b; x="y',
  ),
  words: [...WORDS, '(', ')', '\\)', '; a=b c'],
  read: ofText((text) => readMediaType(text)),
  write: (type) => encode(formatMediaType(type)),
  // Control characters are written as blanks.
  plain: ({ type, parameters }) => [
    type,
    Object.entries(parameters).map(([name, value]) => [name, value.replace(/\p{Cc}/gu, ' ')]),
  ],
  values: mediaTypes,
});

const encodedWords = defineSurface<string>({
  name: 'encoded-words',
  seeds: textSeeds('=?utf-8?Q?Caf=C3=A9?= x', '=?koi8-r?B?8NLJ18XU?= =?koi8-r?B?8NLJ18XU?='),
  words: ['=?', '?=', '?q?', '?B?', 'utf-8', 'utf-16', 'iso-2022-jp', '=C3', '_', '*en'],
  read: ofText(decodeEncodedWords),
});

/** The first two bytes are a MIBenum. */
const charset = defineSurface<string>({
  name: 'charset',
  seeds: [
    [0, 106, 0xc3],
    [0, 3, 0x80],
    [3, 245, 0, 65],
    [8, 204, 0x93],
    [0, 39, 0x1b, 0x24, 0x42, 0x46, 0x7c],
  ].map((bytes) => new Uint8Array(bytes)),
  words: ['\0\x6a', '\x03\xf7\xff\xfe', '\0\x26', '\x07\xe9', '\x1b$B'],
  read: (bytes) => decodeCharset(bytes.subarray(2), ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)),
});

const httpDate = defineSurface<number>({
  name: 'http-date',
  seeds: textSeeds(
    'Sat, 05 Jul 2008 09:00:00 GMT',
    'Mon, 24 June 2002 09:00:00 +0200',
    '5 Sept 2008',
    '31-Dec-1999 23:59:60 Z',
  ),
  words: WORDS,
  read: ofText(parseLenientDate),
  write: (milliseconds) => {
    const text = formatHttpDate(milliseconds);
    // Readers accept years of four digits only.
    if (!/ \d{4} \d\d:/.test(text) || text.includes(' -')) throw new MalformedError('not a date of HTTP');
    return encode(text);
  },
});

const MIME: MediaType = { type: 'multipart/mixed', parameters: { boundary: 'b' } };
const WSP: MediaType = { type: 'application/vnd.wap.multipart.mixed', parameters: {} };

function multipart(
  name: string,
  type: MediaType,
  seeds: Uint8Array[],
  values: fc.Arbitrary<Part[]>,
): Surface {
  return defineSurface<Part[]>({
    name,
    seeds,
    words: [...WORDS, '\x03\x01\x83a', '\x00\x00', '\x8f\xff\xff\xff\x7f', '\x01\x02'],
    async read(bytes) {
      const inMemory = await outcomeOf(async () => decodeMultipart(type, bytes));
      const asStream = await outcomeOf(() => streamedParts(type, bytes));
      if ('error' in inMemory !== 'error' in asStream) {
        throw new Error(`in memory: ${Object.keys(inMemory)}, as a stream: ${Object.keys(asStream)}`);
      }
      if ('error' in inMemory) throw inMemory.error;
      const changed = difference(inMemory, asStream);
      if (changed !== undefined) throw new Error(`the stream differs at ${changed}`);
      return inMemory.value;
    },
    write: (parts) => encodeMultipart(type, parts),
    // Media types of parts have several forms in WSP.
    plain: (parts) => parts.map(({ type: { type: essence }, body }) => ({ essence, body })),
    values,
  });
}

async function outcomeOf<T>(run: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error };
  }
}

/** In pieces of seven bytes. */
async function streamedParts(type: MediaType, bytes: Uint8Array): Promise<Part[]> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.slice(at, at + 7);
  }
  const parts: Part[] = [];
  for await (const { body, size: _, ...part } of readMultipart(type, streamOf(pieces()))) {
    parts.push({ ...part, body: await readAll(body, 2 ** 20) });
  }
  return parts;
}

const mimeParts = fc.array(
  fc.record({
    type: mediaTypes,
    headers: fc.array(
      fc.tuple(
        token,
        parameterText.map((text) => text.trim()),
      ),
      { maxLength: 3 },
    ),
    body: octets,
  }),
  { maxLength: 4 },
);
const wspParts = fc.array(
  fc.record({
    type: fc.record({
      type: fc.constantFrom('text/plain', 'x/y'),
      parameters: fc.dictionary(word, wspTexts, { maxKeys: 2 }),
    }),
    headers: fc.constantFrom([], [['Content-ID', '<a>']] as const, [['Content-Location', 'b']] as const),
    body: octets,
  }),
  { maxLength: 4 },
);

const multiparts = [
  multipart(
    'multipart-mime',
    MIME,
    textSeeds(
      'preamble\n--b\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n--b\nContent-Transfer-Encoding: quoted-printable\n\n=41=\n\n--b--',
      'preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\n\r\n\r\n--b--\r\nepilogue',
      '--b--',
    ),
    mimeParts,
  ),
  multipart('multipart-wsp', WSP, contentFixtures('8.1-'), wspParts),
];

const pushMessage = defineSurface<PushMessage>({
  name: 'push-message',
  seeds: textSeeds(
    'Content-Type: text/vnd.wap.si\r\nX-Wap-Application-Id: x-wap-application:wml.ua\r\nPush-Flag: 1\r\n\r\n<si/>',
    'X-Wap-Application-Id: 4\nContent-Location: http://a/\n\nbody',
  ),
  words: WORDS,
  // Warnings are not written: what they report is left out.
  plain: (message) => ({ ...message, warnings: undefined }),
  read(bytes) {
    const message = textEnvelope.open(bytes, { type: 'a/b', parameters: {} });
    pushHeadersOf(message.headers);
    rawContentType('wml.ua', bytes);
    return message;
  },
  write: textEnvelope.close,
  values: fc.record({
    type: mediaTypes,
    headers: fc.array(
      fc.tuple(
        word.map((name) => `X-${name}`),
        parameterText.map((text) => text.trim()),
      ),
      { maxLength: 3 },
    ),
    body: octets,
  }),
});

/** An entity: its Content-Type line, an empty line, its body. */
const externalBody = defineSurface<ExternalBody>({
  name: 'external-body',
  seeds: contentFixtures('11.5-'),
  words: WORDS,
  read(bytes) {
    const text = Buffer.from(bytes).toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    const type = parseMediaType(
      Buffer.from(text.slice('Content-Type:'.length, Math.max(head, 0)), 'latin1').toString(),
    );
    return type && parseExternalBody(type, bytes.subarray(head + 4));
  },
  write(reference) {
    const { type, body } = buildExternalBody(reference);
    return new Uint8Array(
      Buffer.concat([Buffer.from(`Content-Type: ${formatMediaType(lowerCase(type))}\r\n\r\n`), body]),
    );
  },
  values: fc.record(
    {
      url: word.map((path) => `https://a.test/${path}?b="c"`),
      type: mediaTypes,
      size: fc.maxSafeNat(),
      hash: fc.constant('72245fe8653ddaf371362f86d471913ee4a2ce2e'),
      expiration: fc.nat(0xffff_ffff).map((seconds) => seconds * 1000),
      headers: fc.dictionary(fc.constantFrom('content-id', 'content-disposition'), word),
    },
    { requiredKeys: ['url', 'type', 'headers'] },
  ),
});

/** A reader of SIP headers sees the names of parameters in lower case. */
function lowerCase({ type, parameters }: MediaType): MediaType {
  return {
    type,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  };
}

const DECODED_LIMIT = 2 ** 20;
const compressible = Buffer.from('{"a":"b"}'.repeat(50));

/** The first byte selects the codings. */
const contentCoding = defineSurface<Uint8Array>({
  name: 'content-coding',
  seeds: [
    gzipSync(compressible),
    deflateSync(compressible),
    deflateRawSync(compressible),
    gzipSync(gzipSync(compressible)),
  ].map((bytes, index) => new Uint8Array([index === 0 ? 0 : index, ...bytes])),
  words: ['\x1f\x8b\x08\0', '\x78\x9c', '\x03\0', '\0\0\xff\xff'],
  async read(bytes) {
    const codings = [['gzip'], ['deflate'], ['deflate'], ['gzip', 'gzip']] as const;
    const chosen = codings[(bytes[0] ?? 0) % codings.length] ?? [];
    const content = memoryContent({ type: 'a/b', parameters: {} }, bytes.subarray(1));
    return await readAll(decodeStream(content.open(), chosen, DECODED_LIMIT), DECODED_LIMIT);
  },
  async write(content) {
    const encoded = await encodedContent(memoryContent({ type: 'a/b', parameters: {} }, content), 'gzip');
    return new Uint8Array([0, ...(await encoded.bytes(2 * DECODED_LIMIT))]);
  },
  constant: DECODED_LIMIT + 8192,
  limit: 16_384,
});

const contentEncoding = defineSurface<string[]>({
  name: 'content-encoding',
  seeds: textSeeds('gzip', 'deflate, x-gzip', 'identity,,'),
  words: WORDS,
  read: ofText((text) => parseContentEncoding(text)),
  write: (codings) => encode(codings.join(', ')),
});

export const entitySurfaces: readonly Surface[] = [
  ...[
    mediaType,
    receivedMediaType,
    encodedWords,
    charset,
    httpDate,
    ...multiparts,
    pushMessage,
    externalBody,
    contentCoding,
    contentEncoding,
  ],
];
