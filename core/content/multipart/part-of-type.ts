/** The part of a MIME multipart that a reader looks for, such as the SDP beside a file icon (RFC 5621, RFC 5547 §6). */

import { readMediaType } from '../media-type.js';
import { decodeMimeMultipart } from './mime-multipart.js';
import { MAX_LEVELS, type Part } from './part.js';

/**
 * The first part with this type, including parts of nested multiparts.
 * @param contentType of the body.
 * @returns undefined if the body is not a multipart, or has no such part.
 * @throws MalformedError
 */
export function partOfType(wanted: string, contentType: string, body: Uint8Array): Uint8Array | undefined {
  const type = readMediaType(contentType);
  return type && find(wanted, { type, body }, MAX_LEVELS);
}

function find(
  wanted: string,
  { type, body }: Pick<Part, 'type' | 'body'>,
  levels: number,
): Uint8Array | undefined {
  if (type.type === wanted) return body;
  if (levels === 0 || !type.type.startsWith('multipart/')) return undefined;
  for (const part of decodeMimeMultipart(type, body)) {
    const found = find(wanted, part, levels - 1);
    if (found) return found;
  }
  return undefined;
}
