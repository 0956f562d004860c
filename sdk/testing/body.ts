/** The body of a push in a test: text, octets, or content that fails while it is sent. */

import {
  type ByteRange,
  type Content,
  type MediaType,
  memoryContent,
  streamOf,
} from '../../core/content/content.js';
import { parseMediaType } from '../../core/content/media-type.js';
import { ConfigurationError } from '../../core/errors.js';

/** Content that fails while it is sent. The builders of this module create it. */
export interface StreamBody {
  /** The announced content: its size and digest are in the offer. */
  readonly announced: Uint8Array;
  /** Bytes of a chunk on the wire; 64 KiB by default. */
  readonly chunkBytes?: number;
  /** The bytes that are sent. */
  chunks(): AsyncGenerator<Uint8Array>;
}

/** Text is UTF-8. */
export type PushBody = string | Uint8Array | StreamBody;

export function mediaType(text: string): MediaType {
  const type = parseMediaType(text);
  if (!type) throw new ConfigurationError(`invalid media type "${text}": expected e.g. text/plain`);
  return type;
}

/** The octets of the body as announced. */
export function octetsOf(body: PushBody): Uint8Array {
  if (typeof body === 'string') return new TextEncoder().encode(body);
  return body instanceof Uint8Array ? body : body.announced;
}

export function contentOf(type: MediaType, body: PushBody): Content {
  const octets = octetsOf(body);
  if (typeof body === 'string' || body instanceof Uint8Array) return memoryContent(type, octets);
  return announcedContent(type, octets, body);
}

/** The sender reads the content twice: for its digest, then to send it. */
function announcedContent(type: MediaType, announced: Uint8Array, body: StreamBody): Content {
  const original = memoryContent(type, announced);
  let read = false;
  return {
    type,
    size: announced.length,
    open(range) {
      if (read) return streamOf(ranged(body.chunks(), range));
      read = true;
      return original.open(range);
    },
    bytes: (limit) => original.bytes(limit),
  };
}

async function* ranged(
  chunks: AsyncGenerator<Uint8Array>,
  { start, end = Number.POSITIVE_INFINITY }: ByteRange = { start: 0 },
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
    at += chunk.length;
    if (part.length > 0) yield part;
  }
}
