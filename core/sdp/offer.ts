/** Offers of files (RFC 3264 5, RFC 5547 8.2.1; TS 8.2.2). */

import { ConfigurationError } from '../errors.js';
import {
  type MediaLine,
  newOrigin,
  type Origin,
  parseDescription,
  type Timing,
  type WrittenMedia,
  writeDescription,
} from './description.js';
import { type FileDescription, writeFile } from './file-description.js';
import { MAX_LINE } from './lines.js';
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

/** What a 488 says would be taken instead (8.2.1-01; RFC 3261 21.4.26, RFC 3264 9). */

export interface SupportedMedia {
  /** Media types, ranges, or `*`. */
  acceptTypes: readonly string[];
  /** Bytes of a message. */
  maxSize?: number;
}

/** @param supported with the address of this end. @throws ConfigurationError */
export function buildSupported({
  host,
  acceptTypes,
  maxSize,
}: SupportedMedia & { host: string }): Uint8Array {
  const attributes = [
    `accept-types:${formatAcceptTypes(acceptTypes)}`,
    ...(maxSize === undefined ? [] : [`max-size:${maxSize}`]),
    // RFC 5547 8.5: without a selector, that files may be offered.
    'file-selector',
  ];
  // RFC 3264 9: capabilities, not media: port zero.
  const media = { type: 'message', port: 0, protocol: 'TCP/MSRP', formats: '*', attributes };
  return writeDescription(newOrigin(), host, { start: 0, stop: 0 }, [media]);
}

/** Of all lines for MSRP together; undefined where there is none. @throws MalformedError */
export function parseSupported(body: Uint8Array): SupportedMedia | undefined {
  const lines = parseDescription(body).media.filter(isMsrp).map(readMsrpMedia);
  if (lines.length === 0) return undefined;
  const sizes = lines.flatMap(({ maxSize }) => maxSize ?? []);
  return {
    acceptTypes: [...new Set(lines.flatMap(({ acceptTypes }) => acceptTypes))],
    ...(sizes.length === 0 ? {} : { maxSize: Math.max(...sizes) }),
  };
}
