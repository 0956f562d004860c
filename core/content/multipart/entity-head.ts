/** The headers that stand before a body, a part's or a push message's: lines of text of which one is Content-Type. */

import { MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { type HeaderList, headerOf, withoutHeader } from '../headers.js';
import { formatMediaType, parseMediaType } from '../media-type.js';
import { endOfHeaderBlock, formatHeaderBlock, parseHeaderBlock } from './header-block.js';

export interface EntityHead {
  readonly type: MediaType;
  /** All but Content-Type, in their order. */
  readonly headers: HeaderList;
}

const CONTENT_TYPE = 'Content-Type';

/** Octets, with the empty line behind: real ones have a few hundred. */
export const MAX_HEAD = 16_384;

/**
 * @param octets that begin with a head; its first MAX_HEAD suffice.
 * @param preset the type of a body of which none is told.
 * @returns with the octets that it takes.
 * @throws MalformedError
 */
export function readEntityHead(
  octets: Uint8Array,
  preset: MediaType,
  document: string,
): EntityHead & { readonly length: number } {
  const block = octets.subarray(0, MAX_HEAD);
  const length = endOfHeaderBlock(block);
  if (length === undefined) {
    throw new MalformedError(
      `${document}: expected an empty line behind at most ${MAX_HEAD} octets of headers`,
    );
  }
  const headers = parseHeaderBlock(block.subarray(0, length), document);
  const written = headerOf(headers, CONTENT_TYPE);
  const type = written === undefined ? preset : parseMediaType(written);
  if (!type) {
    throw new MalformedError(`${document}: ${CONTENT_TYPE}: expected a media type, found "${written}"`);
  }
  return { type, headers: withoutHeader(headers, CONTENT_TYPE), length };
}

/** @throws ConfigurationError where a header cannot be written. */
export function writeEntityHead({ type, headers }: EntityHead): Uint8Array {
  const block = formatHeaderBlock([
    [CONTENT_TYPE, formatMediaType(type)],
    ...withoutHeader(headers, CONTENT_TYPE),
  ]);
  return new TextEncoder().encode(block);
}
