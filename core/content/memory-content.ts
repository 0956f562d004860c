/** Content whose bytes are in memory. */

import { LimitError } from '../errors.js';
import type { ByteRange, Content, MediaType } from './content.js';

/** Bytes that a stream gives at once: a reader that stops early has copied little. */
const CHUNK = 65_536;

/** `bytes` is not copied and must not change from then on; what is given out are copies. */
export function memoryContent(type: MediaType, bytes: Uint8Array): Content {
  return {
    type,
    size: bytes.length,
    open: (range) => stream(slice(bytes, range)),
    async bytes(limit) {
      if (bytes.length > limit) {
        throw new LimitError(`the content has ${bytes.length} bytes, more than the ${limit} asked for`);
      }
      return new Uint8Array(bytes);
    },
  };
}

/** A range that begins past the end is empty, one that ends past it stops at the end. */
function slice(bytes: Uint8Array, { start, end = bytes.length - 1 }: ByteRange = { start: 0 }): Uint8Array {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start - 1) {
    throw new RangeError(`bytes ${start} to ${end}: expected whole numbers, 0 <= start <= end`);
  }
  return bytes.subarray(start, end + 1);
}

function stream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(new Uint8Array(bytes.subarray(at, at + CHUNK)));
      at += CHUNK;
      if (at >= bytes.length) controller.close();
    },
  });
}
