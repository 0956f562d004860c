/** Content codings (RFC 9110 8.4.1; RFC 3261 20.12 takes them over for SIP). */

import { MalformedError } from '../../errors.js';

export type ContentCoding = 'gzip' | 'deflate';

/** For an Accept-Encoding, in order of preference. */
export const CONTENT_CODINGS = ['gzip', 'deflate', 'identity'] as const;

/** One that is compressed twice gains nothing; ten times, it is somebody's joke at our cost. */
const MAX_CODINGS = 2;

const CODINGS = new Map<string, ContentCoding | undefined>([
  ['gzip', 'gzip'],
  // RFC 9110 8.4.1.3: an old name of gzip.
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['identity', undefined],
  ['', undefined],
]);

/** A coding that this package does not undo. */
export class UnknownCoding extends MalformedError {}

/**
 * The codings of a Content-Encoding value in the order in which they were applied.
 * @throws UnknownCoding for one that is not known, or more than two.
 */
export function parseContentEncoding(value = ''): ContentCoding[] {
  const codings = value.split(',').flatMap((element) => {
    const name = element.trim().toLowerCase();
    if (!CODINGS.has(name)) throw new UnknownCoding(`content coding ${name.slice(0, 100)} is not known`);
    return CODINGS.get(name) ?? [];
  });
  if (codings.length > MAX_CODINGS) {
    throw new UnknownCoding(`${codings.length} content codings; at most ${MAX_CODINGS} are undone`);
  }
  return codings;
}
