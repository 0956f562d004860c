/** The content of a push in a worker: read from the host as it is read here. */

import type { ByteRange, Content, MediaType } from '../../content/content.js';
import { memoryContent } from '../../content/memory-content.js';
import { readAll } from '../../content/streams.js';
import { LimitError } from '../../errors.js';
import type { CrossingContent } from './held-calls.js';
import type { Peer } from './peer.js';

/** @param held the call that it belongs to. */
export function workerContent(
  { type, size, bytes }: CrossingContent,
  held: number,
  peer: Peer,
): Content | StreamedContent {
  return bytes ? memoryContent(type, bytes) : new StreamedContent(type, size, held, peer);
}

export class StreamedContent implements Content {
  /** Of content that is still coming, and whose size nobody told: known when all has come. */
  size?: number;

  constructor(
    readonly type: MediaType,
    size: number | undefined,
    private readonly held: number,
    private readonly peer: Peer,
  ) {
    if (size !== undefined) this.size = size;
  }

  open(range?: ByteRange): ReadableStream<Uint8Array> {
    if (range) requireRange(range);
    const { peer, held } = this;
    const stream = peer.next();
    peer.tell('open', { held, stream, ...(range ? { range: { ...range } } : {}) });
    return peer.streams.takeBytes(stream);
  }

  async bytes(limit: number): Promise<Uint8Array> {
    if (this.size !== undefined && this.size > limit) {
      throw new LimitError(`the content has ${this.size} bytes, more than the ${limit} asked for`);
    }
    return readAll(this.open(), limit);
  }
}

function requireRange({ start, end = start }: ByteRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start - 1) {
    throw new RangeError(`bytes ${start} to ${end}: expected whole numbers, 0 <= start <= end`);
  }
}
