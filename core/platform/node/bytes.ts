/** Searches bytes by node:buffer, 20 times faster than a loop in JavaScript. */

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
 * Compression by node:zlib. CompressionStream and DecompressionStream of Node.js 20 throw uncatchable errors, because they
 * pass on output after their reader was cancelled.
 */
const COMPRESSORS = { gzip: createGzip, deflate: createDeflate, 'deflate-raw': createDeflateRaw };
const DECOMPRESSORS = { gzip: createGunzip, deflate: createInflate, 'deflate-raw': createInflateRaw };

export const compress: Platform['compress'] = (source, format) => along(source, COMPRESSORS[format]());

export const decompress: Platform['decompress'] = (source, format) => along(source, DECOMPRESSORS[format]());

function along(source: ReadableStream<Uint8Array>, transform: Transform): ReadableStream<Uint8Array> {
  // An early end of one stream destroys the other. The transform reports the error to its reader.
  pipeline(Readable.from(source), transform, () => {});
  return webStream(transform);
}

/**
 * A stream of Node.js as a web stream without read-ahead. `Readable.toWeb` counts chunks as bytes before Node.js 20.6, and
 * buffers thousands of them.
 */
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
        // The canceller does not need the errors of the end.
        readable.on('error', () => {}).destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
