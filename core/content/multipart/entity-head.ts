/** Headers in text, as MIME and SIP write them (RFC 5322 2.2): lines of name and value, up to an empty one. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { type HeaderList, headerOf, withoutHeader } from '../http-headers.js';
import { formatMediaType, isToken, parseMediaType } from '../media-type.js';
import { decodeText } from '../wsp/text.js';

const CR = 0x0d;
const LF = 0x0a;
/** Far more than any part or push has. */
const MAX_HEADERS = 128;

/** @returns the offset behind the empty line that ends the block which starts `octets`; undefined where none does. */
export function endOfHeaderBlock(octets: Uint8Array): number | undefined {
  let line = 0;
  for (;;) {
    if (octets[line] === LF) return line + 1;
    if (octets[line] === CR && octets[line + 1] === LF) return line + 2;
    const end = octets.indexOf(LF, line);
    if (end < 0) return undefined;
    line = end + 1;
  }
}

/**
 * A block with or without its empty line. Lines that begin with a blank continue the one before.
 *
 * @throws MalformedError
 */
export function parseHeaderBlock(octets: Uint8Array, document: string): HeaderList {
  const lines = decodeText(octets)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .filter((line) => line !== '');
  if (lines.length > MAX_HEADERS)
    throw new MalformedError(`${document}: expected at most ${MAX_HEADERS} headers`);
  return lines.map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trimEnd();
    if (!isToken(name)) {
      throw new MalformedError(`${document}: expected a header, found ${JSON.stringify(line.slice(0, 40))}`);
    }
    return [name, line.slice(colon + 1).trim()] as const;
  });
}

/** With the empty line behind. */
export function formatHeaderBlock(headers: HeaderList): string {
  const lines = headers.map(([name, value]) => {
    if (!isToken(name)) throw new ConfigurationError(`a header's name is a token, not "${name}"`);
    if (/[\r\n\0]/.test(value)) throw new ConfigurationError(`${name}: a header's value is one line of text`);
    return `${name}: ${value}\r\n`;
  });
  return `${lines.join('')}\r\n`;
}

/** The headers that stand before a body, a part's or a push message's: lines of text of which one is Content-Type. */

export interface EntityHead {
  /** Media type of the body. */
  readonly type: MediaType;
  /** Headers except Content-Type, in order. */
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

/** @throws ConfigurationError if a header is invalid. */
export function writeEntityHead({ type, headers }: EntityHead): Uint8Array {
  const block = formatHeaderBlock([
    [CONTENT_TYPE, formatMediaType(type)],
    ...withoutHeader(headers, CONTENT_TYPE),
  ]);
  return new TextEncoder().encode(block);
}
