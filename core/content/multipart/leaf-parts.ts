/** Parts of nested multiparts, in place of the multipart that contains them. */

import { isBoundary } from './boundary.js';
import { isMultipart, readMultipart } from './multipart.js';
import { MAX_LEVELS, type StreamedPart } from './part.js';

/**
 * The parts of a multipart, with the parts of nested multiparts in their place, in order. A nested multipart without a
 * readable boundary stays a part, as does one below eight levels. Read each part before you request the next one.
 * @param parts of a message, as `readMultipart` returns them.
 */
export function leafParts(parts: AsyncIterable<StreamedPart>): AsyncGenerator<StreamedPart, void, undefined> {
  return leaves(parts, MAX_LEVELS);
}

async function* leaves(
  parts: AsyncIterable<StreamedPart>,
  levels: number,
): AsyncGenerator<StreamedPart, void, undefined> {
  for await (const part of parts) {
    if (levels > 1 && isReadable(part)) yield* leaves(readMultipart(part.type, part.body), levels - 1);
    else yield part;
  }
}

function isReadable({ type: { type, parameters } }: StreamedPart): boolean {
  return isMultipart(type) && (!type.startsWith('multipart/') || isBoundary(parameters.boundary ?? ''));
}
