/** Bytes in bytes, by the search of node:buffer: a loop in JavaScript takes 20 times as long. */

import { Buffer } from 'node:buffer';
import { pipeline, Readable, type Transform } from 'node:stream';
import {
  createDeflate,
  createDeflateRaw,
  createGunzip,
  createGzip,
  createInflate,
  createInflateRaw,
} from 'node:zlib';
import type { Platform } from '../platform.js';

export const indexOf: Platform['indexOf'] = (bytes, pattern, from = 0) =>
  Buffer.prototype.indexOf.call(bytes, pattern, from);

/**
 * Compression over node:zlib. Not CompressionStream and DecompressionStream: those of Node.js 20 hand on what zlib still
 * has after their reader has left, and throw where nobody can catch it.
 */

const COMPRESSORS = { gzip: createGzip, deflate: createDeflate, 'deflate-raw': createDeflateRaw };
const DECOMPRESSORS = { gzip: createGunzip, deflate: createInflate, 'deflate-raw': createInflateRaw };

export const compress: Platform['compress'] = (source, format) => along(source, COMPRESSORS[format]());

export const decompress: Platform['decompress'] = (source, format) => along(source, DECOMPRESSORS[format]());

function along(source: ReadableStream<Uint8Array>, transform: Transform): ReadableStream<Uint8Array> {
  // Whichever ends early ends the other. Its reader learns why from the transform itself.
  pipeline(Readable.from(source), transform, () => {});
  return webStream(transform);
}

/** Streams of Node.js as web streams that read no further ahead than somebody asks. */

/** Not `Readable.toWeb`: before Node.js 20.6 it counts chunks where it means bytes, and buffers thousands of them. */
export function webStream(
  readable: Readable,
  explain: (error: unknown) => unknown = (error) => error,
): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = readable[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          throw explain(error);
        }
      },
      cancel() {
        // Whoever cancels knows why; the end of the stream is no news.
        readable.on('error', () => {}).destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
