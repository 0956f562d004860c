/** The header block before the body of a part or a push message (RFC 5322 §2.2). */

import { ConfigurationError, MalformedError } from '../../errors.js';
import { decodeText } from '../charset.js';
import type { MediaType } from '../content.js';
import { type HeaderList, headerOf, withoutHeader } from '../http-headers.js';
import { formatMediaType, isToken, readMediaType } from '../media-type.js';

const CR = 0x0d;
const LF = 0x0a;
/** Real parts and pushes have far fewer. */
const MAX_HEADERS = 128;

/** @returns the offset after the empty line that ends the header block; undefined if there is none. */
function endOfHeaderBlock(octets: Uint8Array): number | undefined {
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
 * Parses a header block and unfolds continuation lines.
 * @param warn reports a line that is not a header; without it such a line is an error.
 * @throws MalformedError
 */
function parseHeaderBlock(
  octets: Uint8Array,
  document: string,
  warn?: (problem: string) => void,
): HeaderList {
  const lines = decodeText(octets)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .filter((line) => line !== '');
  if (lines.length > MAX_HEADERS)
    throw new MalformedError(`${document}: too many headers: expected at most ${MAX_HEADERS}`);
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trimEnd();
    if (isToken(name)) return [[name, line.slice(colon + 1).trim()] as const];
    const problem = `invalid header ${JSON.stringify(line.slice(0, 40))}: expected a name, a colon and a value`;
    if (!warn) throw new MalformedError(`${document}: ${problem}`);
    warn(problem);
    return [];
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
  /** Malformed headers and parameters that were left out, in words. */
  readonly warnings?: readonly string[];
}

const CONTENT_TYPE = 'Content-Type';

/** More in one head are not reported. */
const MAX_WARNINGS = 32;
/** Octets, including the empty line. Real ones have a few hundred. */
export const MAX_HEAD = 16_384;

/**
 * @param octets start with the headers; MAX_HEAD octets are sufficient.
 * @param preset the media type if there is no Content-Type.
 * @param part whether it is the head of a part: a malformed line or type costs only itself, and `preset` is the type of
 * a part with an unreadable one (RFC 2045 §5.2). In a push message they can decide on its application.
 * @returns the headers and their length in octets.
 * @throws MalformedError
 */
export function readEntityHead(
  octets: Uint8Array,
  preset: MediaType,
  document: string,
  part = false,
): EntityHead & { readonly length: number } {
  const block = octets.subarray(0, MAX_HEAD);
  const length = endOfHeaderBlock(block);
  if (length === undefined) {
    throw new MalformedError(
      `${document}: expected an empty line after at most ${MAX_HEAD} octets of headers`,
    );
  }
  const warnings: string[] = [];
  const warn = (problem: string) => {
    if (warnings.length < MAX_WARNINGS) warnings.push(`${document}: ${problem}`);
  };
  const headers = parseHeaderBlock(block.subarray(0, length), document, part ? warn : undefined);
  const written = headerOf(headers, CONTENT_TYPE);
  const type =
    written === undefined ? preset : readMediaType(written, (problem) => warn(`${CONTENT_TYPE}: ${problem}`));
  const problem = `invalid ${CONTENT_TYPE} "${written?.slice(0, 100)}": expected a media type`;
  if (!type) {
    if (!part) throw new MalformedError(`${document}: ${problem}`);
    warn(problem);
  }
  return {
    type: type ?? preset,
    headers: withoutHeader(headers, CONTENT_TYPE),
    warnings: warnings.length > 0 ? warnings : undefined,
    length,
  };
}

/** @throws ConfigurationError if a header is invalid. */
export function writeEntityHead({ type, headers }: EntityHead): Uint8Array {
  const block = formatHeaderBlock([
    [CONTENT_TYPE, formatMediaType(type)],
    ...withoutHeader(headers, CONTENT_TYPE),
  ]);
  return new TextEncoder().encode(block);
}
