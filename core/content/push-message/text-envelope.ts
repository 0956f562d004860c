/**
 * An application/vnd.oma.push of header lines, an empty line and the content. The layout is this project's decision:
 * the registration of the type says "an envelope for other, opaque content" and no more, and the one reader in
 * public takes the body for the content itself. So this one reads both, and another layout is another `PushEnvelope`.
 */

import { MalformedError } from '../../errors.js';
import { headerOf, withoutHeader } from '../headers.js';
import { formatMediaType, parseMediaType } from '../media-type.js';
import { endOfHeaderBlock, formatHeaderBlock, parseHeaderBlock } from '../multipart/header-block.js';
import { PUSH_ENVELOPE_TYPE, type PushEnvelope } from './push-message.js';

const CONTENT_TYPE = 'Content-Type';
/** Octets of headers: real ones have a few hundred. */
const MAX_HEADERS = 16_384;
/** A name, a colon and text up to the end of its line. Binary content meets this by chance once in a million. */
const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:[\t\x20-\x7e\x80-\xff]*\r?\n/;

export const textEnvelope: PushEnvelope = {
  open(octets, rawType) {
    const block = octets.subarray(0, MAX_HEADERS);
    if (!startsWithHeader(block)) return { type: rawType, headers: [], body: octets.slice() };
    const end = endOfHeaderBlock(block);
    if (end === undefined) {
      throw new MalformedError(
        `${PUSH_ENVELOPE_TYPE}: expected an empty line behind at most ${MAX_HEADERS} octets of headers`,
      );
    }
    const headers = parseHeaderBlock(block.subarray(0, end), PUSH_ENVELOPE_TYPE);
    const written = headerOf(headers, CONTENT_TYPE);
    const type = written === undefined ? rawType : parseMediaType(written);
    if (!type) {
      throw new MalformedError(
        `${PUSH_ENVELOPE_TYPE}: ${CONTENT_TYPE}: expected a media type, found "${written}"`,
      );
    }
    return { type, headers: withoutHeader(headers, CONTENT_TYPE), body: octets.slice(end) };
  },

  close({ type, headers, body }) {
    const block = formatHeaderBlock([
      [CONTENT_TYPE, formatMediaType(type)],
      ...withoutHeader(headers, CONTENT_TYPE),
    ]);
    const head = new TextEncoder().encode(block);
    const octets = new Uint8Array(head.length + body.length);
    octets.set(head);
    octets.set(body, head.length);
    return octets;
  },
};

function startsWithHeader(octets: Uint8Array): boolean {
  const end = octets.indexOf(0x0a);
  const line = String.fromCharCode(...octets.subarray(0, end < 0 ? 0 : Math.min(end + 1, 4096)));
  return HEADER_LINE.test(line);
}
