/** Content compressed as it is read. */

import { platform } from '#platform';
import type { ByteRange, Content } from '../content.js';
import { readAll, through } from '../streams.js';
import type { ContentCoding } from './coding.js';

/**
 * The same content in a coding. Its size is counted once; whoever opens it has it compressed anew, so that nothing
 * but the original is kept. A range is one of the compressed bytes.
 */
export async function encodedContent(content: Content, coding: ContentCoding): Promise<Content> {
  let size = 0;
  for await (const chunk of platform.compress(content.open(), coding)) size += chunk.length;
  const open = (range: ByteRange = { start: 0 }) =>
    through(platform.compress(content.open(), coding), (stream) => slice(stream, range));
  return { type: content.type, size, open, bytes: (limit) => readAll(open(), limit) };
}

/** The bytes of a range, as far as there are any. */
async function* slice(
  stream: ReadableStream<Uint8Array>,
  { start, end = Number.MAX_SAFE_INTEGER }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of stream) {
    const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
    at += chunk.length;
    if (wanted.length > 0) yield wanted;
    if (at > end) return;
  }
}
