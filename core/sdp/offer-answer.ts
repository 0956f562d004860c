/** Offers of files (RFC 3264 5, RFC 5547 8.2.1; TS 8.2.2). */

import { ConfigurationError, MalformedError } from '../errors.js';
import {
  MAX_LINE,
  type MediaLine,
  type MediaSection,
  type Origin,
  parseDescription,
  type Timing,
  type WrittenMedia,
  writeDescription,
} from './description.js';
import {
  alreadyReceivedRange,
  type FileDescription,
  type FileRange,
  isAlreadyReceived,
  readFile,
  writeFile,
} from './file-description.js';
import { formatAcceptTypes, isMsrp, type MsrpMedia, type MsrpProtocol, readMsrpMedia } from './media.js';

export interface MsrpOffer {
  /** Of the offerer. The same version as before: nothing has changed (RFC 3264 8). */
  origin: { id: string; version: string };
  timing: Timing;
  /** In their order; those for MSRP have a `path` (`'path' in media`). An answer has a line for each. */
  media: readonly (MsrpMedia | OtherMedia)[];
}

/** A line that is not for MSRP: an answer refuses it. */
export type OtherMedia = MediaLine;

/** @throws MalformedError */
export function parseOffer(body: Uint8Array): MsrpOffer {
  const { origin, timing, media } = parseDescription(body);
  return {
    origin,
    timing,
    media: media.map((section, index) => {
      if (isMsrp(section)) return readMsrpMedia(section, index);
      const { type, port, protocol, formats } = section;
      return { type, port, protocol, formats };
    }),
  };
}

export interface OfferDescription {
  origin: Origin;
  /** Where this end is: IPv4, IPv6 or a name. */
  host: string;
  /** A line for each file (8.2.2-06). In later offers of a session all of them again, in the same order. */
  lines: readonly OfferLine[];
}

/** Of an end that sends (8.2.2-04), and waits for its peer to connect (8.2.2-07). */
export interface OfferLine {
  protocol: MsrpProtocol;
  /** 0: the line is closed (RFC 3264 8.2). */
  port: number;
  path: readonly string[];
  /** What will come. */
  acceptTypes: readonly string[];
  /** `sha-256 4A:AD:…`, of the certificate, with TLS. */
  fingerprints?: readonly string[];
  /** For people. */
  description?: string;
  file?: FileDescription;
}

/** @throws ConfigurationError for what cannot be written. */
export function buildOffer({ origin, host, lines }: OfferDescription): Uint8Array {
  return writeDescription(origin, host, { start: 0, stop: 0 }, lines.map(offeredMedia));
}

function offeredMedia(line: OfferLine): WrittenMedia {
  const { protocol, port, path, acceptTypes, fingerprints = [], description, file } = line;
  return {
    type: 'message',
    port,
    protocol,
    formats: '*',
    description,
    attributes: [
      'sendonly',
      'setup:passive',
      `accept-types:${formatAcceptTypes(acceptTypes)}`,
      `path:${path.join(' ')}`,
      ...fingerprints.map((fingerprint) => `fingerprint:${fingerprint}`),
      ...(file ? writeFile(file) : []),
    ].map(readable),
  };
}

/** What we would not read, others need not either: a file name of thousands of characters. */
function readable(attribute: string): string {
  if (attribute.length + 'a='.length <= MAX_LINE) return attribute;
  throw new ConfigurationError(
    `SDP: a=${attribute.slice(0, 40)}… has more than ${MAX_LINE} characters; shorten the file's name`,
  );
}

/** What a receiver of files answers (RFC 3264 6, RFC 5547 8.2.2 and 8.3; TS 8.2.1). */

export interface AnswerDescription {
  origin: Origin;
  /** Where this end is: IPv4, IPv6 or a name. */
  host: string;
  /** One for each line of the offer, in its order. */
  lines: readonly AnswerLine[];
}

export type AnswerLine =
  | AcceptingLine
  /** Port zero, and nothing else (8.2.1-04). Closed lines, and those that are not for MSRP, are refused whatever is said. */
  | { type: 'refused' }
  /** Port zero: its file has come before, whole. As refused, where the offer does not have its size and SHA-1. */
  | { type: 'received' };

/** Of an end that receives (8.2.1-06), and connects to its peer (8.2.1-08). What describes the file is the offer's. */
export interface AcceptingLine {
  type: 'accepted';
  port: number;
  path: readonly string[];
  acceptTypes: readonly string[];
  /** Bytes of a message that is taken. */
  maxSize?: number;
  /** `sha-256 4A:AD:…`, of the certificate, with TLS. */
  fingerprints?: readonly string[];
  /** What is to come of the file; absent: all that was offered. */
  range?: FileRange;
}

/** @throws ConfigurationError for what cannot be written, and when the number of lines is another than the offer's. */
export function buildAnswer(offer: MsrpOffer, { origin, host, lines }: AnswerDescription): Uint8Array {
  if (lines.length !== offer.media.length) {
    throw new ConfigurationError(`SDP: ${lines.length} lines do not answer ${offer.media.length}`);
  }
  const media = offer.media.map((offered, index) => answered(offered, lines[index] ?? { type: 'refused' }));
  // RFC 3264 6: t= is the offer's.
  return writeDescription(origin, host, offer.timing, media);
}

function answered(offered: MsrpMedia | OtherMedia, line: AnswerLine): WrittenMedia {
  const { type, protocol, formats } = offered;
  const refused = { type, port: 0, protocol, formats, attributes: [] };
  if (!('path' in offered) || offered.port === 0) return refused;
  if (line.type === 'accepted') {
    return { ...refused, port: line.port, attributes: accepting(offered, line) };
  }
  const range = line.type === 'received' ? alreadyReceivedRange(offered.file) : undefined;
  return range && offered.file
    ? { ...refused, attributes: writeFile(described(offered.file, range)) }
    : refused;
}

function accepting({ direction, file }: MsrpMedia, line: AcceptingLine): string[] {
  const { path, acceptTypes, maxSize, fingerprints = [], range } = line;
  return [
    // RFC 3264 6.1: an end that does not send has nothing for us to receive.
    direction === 'sendonly' || direction === 'sendrecv' ? 'recvonly' : 'inactive',
    'setup:active',
    `accept-types:${formatAcceptTypes(acceptTypes)}`,
    ...(maxSize === undefined ? [] : [`max-size:${maxSize}`]),
    `path:${path.join(' ')}`,
    ...fingerprints.map((fingerprint) => `fingerprint:${fingerprint}`),
    ...(file ? writeFile(described(file, range)) : []),
  ];
}

/** RFC 5547 8.3: the selector and the transfer are the offer's; dates say nothing to whoever has them. */
function described(
  { selector, transferId, disposition, range: offered }: FileDescription,
  asked?: FileRange,
) {
  const range = asked ?? offered;
  return {
    selector,
    ...(transferId === undefined ? {} : { transferId }),
    ...(disposition === undefined ? {} : { disposition }),
    ...(range === undefined ? {} : { range }),
  };
}

/** What an answer means for the lines of an offer (RFC 3264 7, RFC 5547 8.4). */

export type AnsweredLine =
  | AcceptedLine
  /** Port zero: the receiver does not want it, or not now. */
  | { type: 'refused' }
  /** The receiver has the file already, as a whole. */
  | { type: 'received' };

/** The receiver's side of a line. */
export interface AcceptedLine
  extends Pick<
    MsrpMedia,
    'host' | 'port' | 'path' | 'acceptTypes' | 'acceptWrappedTypes' | 'setup' | 'maxSize' | 'fingerprints'
  > {
  type: 'accepted';
  /** What it asks for of the file, within it; absent: all that was offered. */
  range?: FileRange;
}

/** @returns an answer for each line of `offer`, in its order. @throws MalformedError */
export function parseAnswer(body: Uint8Array, { lines }: Pick<OfferDescription, 'lines'>): AnsweredLine[] {
  const { media } = parseDescription(body);
  if (media.length !== lines.length) {
    throw new MalformedError(`${media.length} m= lines do not answer ${lines.length}`);
  }
  return lines.map((line, index) => {
    const section = media[index];
    return section ? answerOf(line, section, index) : { type: 'refused' };
  });
}

function answerOf(offered: OfferLine, section: MediaSection, index: number): AnsweredLine {
  if (offered.port === 0) return { type: 'refused' };
  if (section.port === 0) {
    return isAlreadyReceived(offered.file, readRefused(section)) ? { type: 'received' } : { type: 'refused' };
  }
  if (!isMsrp(section))
    throw new MalformedError(`m= line ${index + 1} answers MSRP with ${section.protocol}`);
  const media = readMsrpMedia(section, index);
  if (media.protocol !== offered.protocol) {
    throw new MalformedError(`m= line ${index + 1} answers ${offered.protocol} with ${media.protocol}`);
  }
  // RFC 3264 6.1: what is sent is received, or nothing is; saying nothing is taken for agreement.
  if (media.direction === 'inactive') return { type: 'refused' };
  if (media.direction === 'sendonly') {
    throw new MalformedError(`m= line ${index + 1} answers a=sendonly with a=sendonly`);
  }
  return accepted(offered, media, index);
}

function accepted(offered: OfferLine, media: MsrpMedia, index: number): AcceptedLine {
  const { host, port, path, acceptTypes, acceptWrappedTypes, setup, maxSize, fingerprints, file } = media;
  const range = file?.range;
  if (range) requireWithin(range, offered.file, index);
  return {
    type: 'accepted',
    ...{ host, port, path, acceptTypes, acceptWrappedTypes, fingerprints },
    setup,
    maxSize,
    range,
  };
}

/** Nothing of a refused line is of use (RFC 3264 6), so nothing in it is an error. */
function readRefused({ attributes }: MediaSection): FileDescription | undefined {
  try {
    return readFile(attributes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** Of an empty file there is no first byte to ask for; asking for it all the same does no harm. */
function requireWithin(
  { start, end = start }: FileRange,
  file: FileDescription | undefined,
  index: number,
): void {
  const size = file?.selector.size;
  if (size !== undefined && Math.max(start, end) > Math.max(size, 1)) {
    throw new MalformedError(`m= line ${index + 1} asks for bytes past the ${size} of its file`);
  }
}
