/** The header block before the body of a part or a push message (RFC 5322 §2.2). */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { type HeaderList, headerOf, withoutHeader } from '../http-headers.js';
import { formatMediaType, isToken, parseMediaType } from '../media-type.js';
import { decodeText } from '../wsp/text.js';

const CR = 0x0d;
const LF = 0x0a;
/** Real parts and pushes have far fewer. */
const MAX_HEADERS = 128;

/** @returns the offset after the empty line that ends the header block; undefined if there is none. */
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

/** Parses a header block and unfolds continuation lines. @throws MalformedError */
function parseHeaderBlock(octets: Uint8Array, document: string): HeaderList {
  const lines = decodeText(octets)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .filter((line) => line !== '');
  if (lines.length > MAX_HEADERS)
    throw new MalformedError(`${document}: too many headers: expected at most ${MAX_HEADERS}`);
  return lines.map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trimEnd();
    if (!isToken(name)) {
      throw new MalformedError(
        `${document}: invalid header ${JSON.stringify(line.slice(0, 40))}: expected a name, a colon and a value`,
      );
    }
    return [name, line.slice(colon + 1).trim()] as const;
  });
}

/** Writes a header block with its empty line. @throws ConfigurationError */
function formatHeaderBlock(headers: HeaderList): string {
  const lines = headers.map(([name, value]) => {
    if (!isToken(name)) throw new ConfigurationError(`invalid header name "${name}": expected a token`);
    if (/[\r\n\0]/.test(value))
      throw new ConfigurationError(`invalid value of header ${name}: expected one line of text`);
    return `${name}: ${value}\r\n`;
  });
  return `${lines.join('')}\r\n`;
}

export interface EntityHead {
  /** Media type of the body. */
  readonly type: MediaType;
  /** Headers except Content-Type, in order. */
  readonly headers: HeaderList;
}

const CONTENT_TYPE = 'Content-Type';

/** Octets, including the empty line. Real ones have a few hundred. */
export const MAX_HEAD = 16_384;

/**
 * @param octets start with the headers; MAX_HEAD octets are sufficient.
 * @param preset the media type if there is no Content-Type.
 * @returns the headers and their length in octets.
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
      `${document}: expected an empty line after at most ${MAX_HEAD} octets of headers`,
    );
  }
  const headers = parseHeaderBlock(block.subarray(0, length), document);
  const written = headerOf(headers, CONTENT_TYPE);
  const type = written === undefined ? preset : parseMediaType(written);
  if (!type) {
    throw new MalformedError(`${document}: invalid ${CONTENT_TYPE} "${written}": expected a media type`);
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
