/** Offers of files and their answers (RFC 3264, RFC 5547 §8; TS 8.2.1, 8.2.2). */

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
import { type FileDescription, type FileRange, writeFile } from './file-description.js';
import { formatAcceptTypes, isMsrp, type MsrpMedia, type MsrpProtocol, readMsrpMedia } from './media.js';

export interface MsrpOffer {
  /** The origin of the offerer. An unchanged version means an unchanged description (RFC 3264 §8). */
  origin: { id: string; version: string };
  timing: Timing;
  /** In order; lines for MSRP have a `path` (`'path' in media`). An answer has a line for each. */
  media: readonly (MsrpMedia | OtherMedia)[];
}

/** A line for another protocol: the answer refuses it. */
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
  /** The address of this end: IPv4, IPv6 or a name. */
  host: string;
  /** One for each file (8.2.2-06). Later offers of a session repeat all of them in the same order. */
  lines: readonly OfferLine[];
}

/** The line of an end that sends (8.2.2-04) and waits for the connection of its peer (8.2.2-07). */
export interface OfferLine {
  protocol: MsrpProtocol;
  /** 0: the line is closed (RFC 3264 §8.2). */
  port: number;
  path: readonly string[];
  /** The types of the content. */
  acceptTypes: readonly string[];
  /** With TLS: fingerprints of the certificate, `sha-256 4A:AD:…`. */
  fingerprints?: readonly string[];
  /** A description of the file for people. */
  description?: string;
  file?: FileDescription;
}

/** @throws ConfigurationError for invalid values. */
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

/** Rejects an attribute that this parser would reject: a file name of thousands of characters. */
function readable(attribute: string): string {
  if (attribute.length + 'a='.length <= MAX_LINE) return attribute;
  throw new ConfigurationError(
    `SDP: a=${attribute.slice(0, 40)}… has more than ${MAX_LINE} characters; shorten the file's name`,
  );
}

export interface AnswerDescription {
  origin: Origin;
  /** The address of this end: IPv4, IPv6 or a name. */
  host: string;
  /** One for each line of the offer, in its order. */
  lines: readonly AnswerLine[];
}

export type AnswerLine =
  | AcceptingLine
  /** Port zero (8.2.1-04). Closed lines and those of other protocols are always refused. */
  | { type: 'refused' };

/** The line of an end that receives (8.2.1-06) and connects to its peer (8.2.1-08). The offer describes the file. */
export interface AcceptingLine {
  type: 'accepted';
  port: number;
  path: readonly string[];
  acceptTypes: readonly string[];
  /** The types of content in a container, if `acceptTypes` has one (RFC 4975 §8.6). */
  acceptWrappedTypes?: readonly string[];
  /** The largest message, in bytes. */
  maxSize?: number;
  /** With TLS: fingerprints of the certificate, `sha-256 4A:AD:…`. */
  fingerprints?: readonly string[];
  /** The requested part of the file; absent: the offered part. */
  range?: FileRange;
}

/** @throws ConfigurationError for invalid values, and if the number of lines is not that of the offer. */
export function buildAnswer(offer: MsrpOffer, { origin, host, lines }: AnswerDescription): Uint8Array {
  if (lines.length !== offer.media.length) {
    throw new ConfigurationError(
      `an answer of ${lines.length} lines: expected ${offer.media.length}, as in the offer`,
    );
  }
  const media = offer.media.map((offered, index) => answered(offered, lines[index] ?? { type: 'refused' }));
  // RFC 3264 §6: t= is that of the offer.
  return writeDescription(origin, host, offer.timing, media);
}

function answered(offered: MsrpMedia | OtherMedia, line: AnswerLine): WrittenMedia {
  const { type, protocol, formats } = offered;
  const refused = { type, port: 0, protocol, formats, attributes: [] };
  if (!('path' in offered) || offered.port === 0) return refused;
  if (line.type === 'refused') return refused;
  return { ...refused, port: line.port, attributes: accepting(offered, line) };
}

function accepting({ direction, file }: MsrpMedia, line: AcceptingLine): string[] {
  const { path, acceptTypes, acceptWrappedTypes: wrapped = [], maxSize, fingerprints = [], range } = line;
  return [
    // RFC 3264 §6.1: an end can receive only if its peer sends.
    direction === 'sendonly' || direction === 'sendrecv' ? 'recvonly' : 'inactive',
    'setup:active',
    `accept-types:${formatAcceptTypes(acceptTypes)}`,
    ...(wrapped.length === 0 ? [] : [`accept-wrapped-types:${formatAcceptTypes(wrapped)}`]),
    ...(maxSize === undefined ? [] : [`max-size:${maxSize}`]),
    `path:${path.join(' ')}`,
    ...fingerprints.map((fingerprint) => `fingerprint:${fingerprint}`),
    ...(file ? writeFile(described(file, range)) : []),
  ];
}

/** RFC 5547 §8.3: selector and transfer are those of the offer; the offerer knows the dates. */
function described(
  { selector, transferId, disposition, range: offered }: FileDescription,
  requested?: FileRange,
) {
  return { selector, transferId, disposition, range: requested ?? offered };
}

/** The answer to a line of an offer (RFC 3264 §7, RFC 5547 §8.4). */
export type AnsweredLine =
  | AcceptedLine
  /** Port zero: the receiver does not want the file. */
  | { type: 'refused' };

/** The receiver's side of a line. */
export interface AcceptedLine
  extends Pick<
    MsrpMedia,
    'host' | 'port' | 'path' | 'acceptTypes' | 'acceptWrappedTypes' | 'setup' | 'maxSize' | 'fingerprints'
  > {
  type: 'accepted';
  /** The requested part of the file, within it; absent: the offered part. */
  range?: FileRange;
}

/** @returns an answer for each line of `offer`, in its order. @throws MalformedError */
export function parseAnswer(body: Uint8Array, { lines }: Pick<OfferDescription, 'lines'>): AnsweredLine[] {
  const { media } = parseDescription(body);
  if (media.length !== lines.length) {
    throw new MalformedError(
      `an answer of ${media.length} m= lines: expected ${lines.length}, as in the offer`,
    );
  }
  return lines.map((line, index) => {
    const section = media[index];
    return section ? answerOf(line, section, index) : { type: 'refused' };
  });
}

function answerOf(offered: OfferLine, section: MediaSection, index: number): AnsweredLine {
  if (offered.port === 0 || section.port === 0) return { type: 'refused' };
  if (!isMsrp(section))
    throw new MalformedError(`m= line ${index + 1} answers MSRP with ${section.protocol}`);
  const media = readMsrpMedia(section, index);
  if (media.protocol !== offered.protocol) {
    throw new MalformedError(`m= line ${index + 1} answers ${offered.protocol} with ${media.protocol}`);
  }
  // RFC 3264 §6.1: the answer to sendonly is recvonly or inactive; without a direction it counts as recvonly.
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
    host,
    port,
    path,
    acceptTypes,
    acceptWrappedTypes,
    fingerprints,
    setup,
    maxSize,
    range,
  };
}

/** A request for the first byte of an empty file is accepted. */
function requireWithin(
  { start, end = start }: FileRange,
  file: FileDescription | undefined,
  index: number,
): void {
  const size = file?.selector.size;
  if (size !== undefined && Math.max(start, end) > Math.max(size, 1)) {
    throw new MalformedError(`m= line ${index + 1} requests bytes beyond the ${size} of its file`);
  }
}
