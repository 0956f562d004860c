/** Session descriptions, and frames of MSRP. */

import fc from 'fast-check';
import { MalformedError } from '../../core/errors.js';
import { type ByteRange, formatByteRange, parseByteRange } from '../../core/msrp/frames/frame.js';
import { MsrpUri, parsePath } from '../../core/msrp/frames/uri.js';
import { writeFile } from '../../core/sdp/file-description.js';
import { type FileSelector, formatFileSelector, parseFileSelector } from '../../core/sdp/file-selector.js';
import { formatAcceptTypes, parseAcceptTypes, parseSupported } from '../../core/sdp/media.js';
import { buildAnswer, type MsrpOffer, parseAnswer, parseOffer } from '../../core/sdp/offer-answer.js';
import { MsrpFrames } from '../../sdk/trace/msrp-frames.js';
import { chunkBytes, chunks } from '../msrp/arbitraries.js';
import { cut, type Report, report } from '../msrp/frames.js';
import { offerOf } from '../sdp/samples.js';
import { msrpFixtures, sdpFixtures } from './fixture-bytes.js';
import { anyText } from './inputs.js';
import { defineSurface, encode, ofText, type Surface, textSeeds } from './surface.js';
import { difference } from './values.js';

const SDP_WORDS = [
  ...[
    '\r\nm=message 7394 TCP/MSRP *',
    '\r\na=',
    '\r\nc=IN IP4 a',
    '\r\no=- 1 1 IN IP4 a',
    '\r\nt=0 0',
    '\r\nb=AS:1',
  ],
  ...[
    'file-selector:',
    'name:"',
    'type:',
    'size:',
    'hash:sha-1:',
    'file-range:1-*',
    'file-date:',
    'creation:"',
  ],
  ...[
    'path:msrp://a:1/b;tcp',
    'accept-types:',
    'max-size:',
    'setup:',
    'sendonly',
    'fingerprint:sha-256 AB:CD',
  ],
  ...[
    '\u00a0',
    '\v',
    'image/*',
    ';a="b',
    '\r\nr=7d 1h',
    '\r\nz=0 -1h',
    '\r\ni=',
    '\r\nk=',
    '\r\nu=',
    'inactive',
  ],
];

const ORIGIN = { id: '1', version: 1 };

const offer = defineSurface<MsrpOffer>({
  name: 'sdp-offer',
  seeds: sdpFixtures(),
  words: SDP_WORDS,
  limit: 262_144,
  read(bytes) {
    const parsed = parseOffer(bytes);
    const lines = parsed.media.map(() => ({ type: 'refused' as const }));
    const answer = buildAnswer(parsed, { origin: ORIGIN, host: '192.0.2.9', lines });
    if (parseOffer(answer).media.length !== lines.length)
      throw new Error('the answer has another number of lines');
    for (const media of parsed.media) if ('file' in media && media.file) writeFile(media.file);
    return parsed;
  },
});

const answer = defineSurface({
  name: 'sdp-answer',
  seeds: sdpFixtures(),
  words: SDP_WORDS,
  limit: 262_144,
  read(bytes) {
    const path = ['msrp://a:1/s;tcp'];
    const line = { protocol: 'TCP/MSRP' as const, port: 1, path, acceptTypes: ['*'] };
    const file = { selector: { size: 5, sha1: '0'.repeat(40) } };
    return parseAnswer(bytes, offerOf({ ...line, file }));
  },
});

const supported = defineSurface({
  name: 'sdp-supported',
  seeds: sdpFixtures(),
  words: SDP_WORDS,
  limit: 262_144,
  read: parseSupported,
});

const fileSelector = defineSurface<FileSelector>({
  name: 'sdp-file-selector',
  seeds: textSeeds(
    'name:"My cool picture.jpg" type:image/jpeg size:32349 hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E',
    'type:text/plain;charset="utf-8";x=y name:a%22b hash:sha-256:AB:CD other:"x y" z',
  ),
  words: SDP_WORDS,
  limit: 8192,
  read: ofText(parseFileSelector),
  write: (value) => encode(formatFileSelector(value)),
  values: fc.record(
    {
      name: anyText,
      size: fc.maxSafeNat(),
      type: fc.constantFrom('text/plain', 'text/plain;a="b c"', 'a/b;c="d\\"e"'),
      sha1: fc.constant('72245fe8653ddaf371362f86d471913ee4a2ce2e'),
    },
    { requiredKeys: [] },
  ),
});

const acceptTypes = defineSurface<string[]>({
  name: 'sdp-accept-types',
  seeds: textSeeds('text/plain image/* a/b;c="d e"', '*'),
  words: SDP_WORDS,
  limit: 8192,
  read: ofText(parseAcceptTypes),
  write: (value) => encode(formatAcceptTypes(value)),
  plain: (types) => types.map((type) => (type === '*/*' ? '*' : type)),
});

const MSRP_WORDS = [
  ...[
    'MSRP ',
    'SEND\r\n',
    'REPORT\r\n',
    '200 OK\r\n',
    'To-Path: ',
    'From-Path: ',
    'Message-ID: ',
    'Byte-Range: 1-*/*',
  ],
  ...[
    'Status: 000 200 OK',
    'Content-Type: a/b\r\n\r\n',
    '\r\n-------',
    '-----',
    '$\r\n',
    '+\r\n',
    '#\r\n',
    'abcd1234',
  ],
  ...['msrp://a.test:2855/s;tcp', 'msrps://[::1]/s;ws', '@', ';tcp', '1-2/3', '-*/*'],
];

const msrpFrames = defineSurface<Report>({
  name: 'msrp-frames',
  seeds: msrpFixtures(),
  words: MSRP_WORDS,
  measure: (bytes) => report([bytes]),
  read(bytes) {
    const whole = report([bytes]);
    const third = Math.floor(bytes.length / 3);
    const pieces = [cut(bytes, [third, 2 * third]), Array.from(bytes, (byte) => Uint8Array.of(byte))];
    for (const each of pieces) {
      const changed = difference(whole, report(each));
      if (changed !== undefined) throw new Error(`the stream in pieces differs at ${changed}`);
    }
    traceFrames(bytes);
    if (whole.error !== undefined && !whole.error.startsWith('MalformedMsrpError: '))
      throw new Error(whole.error);
    return whole;
  },
});

/** A trace splits the same stream. */
function traceFrames(bytes: Uint8Array): void {
  new MsrpFrames(100, () => {}).push(bytes);
}

const msrpChunks = defineSurface<Uint8Array>({
  name: 'msrp-chunks',
  seeds: msrpFixtures(),
  words: MSRP_WORDS,
  read(bytes) {
    const { frames, error } = report([bytes]);
    if (error !== undefined) throw new MalformedError('not MSRP');
    return frames.length === 0 ? undefined : bytes;
  },
  write: (bytes) => bytes,
  values: chunks.map(chunkBytes),
});

const msrpUri = defineSurface<string>({
  name: 'msrp-uri',
  seeds: textSeeds(
    'msrp://bob@a.example:7654/s%20/1;tcp;x=y',
    'msrps://[2001:db8::1]:2855/s;ws msrp://b;tcp',
  ),
  words: MSRP_WORDS,
  read: ofText((text) => {
    parsePath(text);
    return MsrpUri.parse(text)?.toString();
  }),
  write: encode,
});

const byteRange = defineSurface<ByteRange>({
  name: 'msrp-byte-range',
  seeds: textSeeds('1-200/200', '1-*/*', '5-4/10'),
  words: MSRP_WORDS,
  read: ofText(parseByteRange),
  write: (value) => encode(formatByteRange(value)),
});

export const sessionSurfaces: readonly Surface[] = [
  ...[offer, answer, supported, fileSelector, acceptTypes, msrpFrames, msrpChunks, msrpUri, byteRange],
];
