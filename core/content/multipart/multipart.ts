/** Multipart content in the format of its media type: MIME or WSP. */

import { ConfigurationError } from '../../errors.js';
import { type MediaType, streamOf } from '../content.js';
import { decodeMimeMultipart, encodeMimeMultipart, readMimeParts, writeMimeParts } from './mime-multipart.js';
import { OctetSource } from './octet-source.js';
import { type ContentPart, type Part, partsFrom, type StreamedPart, type StreamedParts } from './part.js';
import { decodeWspMultipart, encodeWspMultipart, readWspParts, writeWspParts } from './wsp-multipart.js';

const WSP = 'application/vnd.wap.multipart.';
const MIME = 'multipart/';

/** Whether the media type is a multipart. @param type lower-case `type/subtype` */
export function isMultipart(type: string): boolean {
  return type.startsWith(WSP) || type.startsWith(MIME);
}

/**
 * Decodes a `multipart/*` or `application/vnd.wap.multipart.*` in memory.
 *
 * @throws MalformedError naming the place and what was expected.
 */
export function decodeMultipart(type: MediaType, octets: Uint8Array): Part[] {
  return isWsp(type) ? decodeWspMultipart(octets) : decodeMimeMultipart(type, octets);
}

/**
 * Encodes a multipart in memory.
 * @param type media type; for MIME with its `boundary`, which `withBoundary` creates.
 * @param parts the parts, in order.
 * @throws ConfigurationError if a header is invalid, or a part contains the boundary.
 */
export function encodeMultipart(type: MediaType, parts: readonly Part[]): Uint8Array {
  return isWsp(type) ? encodeWspMultipart(parts) : encodeMimeMultipart(type, parts);
}

/** Reads the parts of a multipart from a stream. Read each part before you request the next one. */
export function readMultipart(type: MediaType, stream: ReadableStream<Uint8Array>): StreamedParts {
  const source = new OctetSource(stream);
  return partsFrom(source, readParts(type, source));
}

export function readParts(
  type: MediaType,
  source: OctetSource,
): AsyncGenerator<StreamedPart, void, undefined> {
  return isWsp(type) ? readWspParts(source) : readMimeParts(type, source);
}

/**
 * Encodes a multipart as a stream, which opens each part when it is read.
 *
 * @param type media type; for MIME with its `boundary`.
 * @param parts the parts, in order; for WSP with contents of known size.
 */
export function writeMultipart(type: MediaType, parts: readonly ContentPart[]): ReadableStream<Uint8Array> {
  return streamOf(isWsp(type) ? writeWspParts(parts) : writeMimeParts(type, parts));
}

function isWsp({ type }: MediaType): boolean {
  if (!isMultipart(type))
    throw new ConfigurationError(`invalid multipart type "${type}": expected ${MIME}* or ${WSP}*`);
  return type.startsWith(WSP);
}
