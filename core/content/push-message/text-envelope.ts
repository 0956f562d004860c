/**
 * An application/vnd.oma.push of header lines, an empty line and the content. The layout is this project's decision:
 * the registration of the type says "an envelope for other, opaque content" and no more, and the one reader in
 * public takes the body for the content itself. So this one reads both, and another layout is another `PushEnvelope`.
 */

import { readEntityHead, writeEntityHead } from '../multipart/entity-head.js';
import { OctetWriter } from '../wsp/octet-writer.js';
import { decodeLatin1 } from '../wsp/text.js';
import { PUSH_ENVELOPE_TYPE, type PushEnvelope } from './push-message.js';

/** Octets of the first header: it is looked at to tell an envelope from content, which may have no line end for long. */
const MAX_FIRST_LINE = 4096;
/** A name, a colon and text up to the end of its line. Binary content meets this by chance once in a million. */
const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:[\t\x20-\x7e\x80-\xff]*\r?\n/;

/** Octets that do not begin with a header line are taken for the content by itself. */
export const textEnvelope: PushEnvelope = {
  open(octets, rawType) {
    if (!startsWithHeader(octets)) return { type: rawType, headers: [], body: octets.slice() };
    const { type, headers, length } = readEntityHead(octets, rawType, PUSH_ENVELOPE_TYPE);
    return { type, headers, body: octets.slice(length) };
  },

  close: (message) => new OctetWriter().octets(writeEntityHead(message)).octets(message.body).finish(),
};

function startsWithHeader(octets: Uint8Array): boolean {
  return HEADER_LINE.test(decodeLatin1(octets.subarray(0, MAX_FIRST_LINE)));
}
