/**
 * Compression over node:zlib. Not CompressionStream and DecompressionStream: those of Node.js 20 hand on what zlib still
 * has after their reader has left, and throw where nobody can catch it.
 */

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
import { webStream } from './web-stream.js';

const COMPRESSORS = { gzip: createGzip, deflate: createDeflate, 'deflate-raw': createDeflateRaw };
const DECOMPRESSORS = { gzip: createGunzip, deflate: createInflate, 'deflate-raw': createInflateRaw };

export const compress: Platform['compress'] = (source, format) => along(source, COMPRESSORS[format]());

export const decompress: Platform['decompress'] = (source, format) => along(source, DECOMPRESSORS[format]());

function along(source: ReadableStream<Uint8Array>, transform: Transform): ReadableStream<Uint8Array> {
  // Whichever ends early ends the other. Its reader learns why from the transform itself.
  pipeline(Readable.from(source), transform, () => {});
  return webStream(transform);
}
