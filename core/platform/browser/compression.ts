/** Compression by the browser's own streams. */

import type { Platform } from '../platform.js';

export const compress: Platform['compress'] = (source, format) =>
  along(source, new CompressionStream(format));

export const decompress: Platform['decompress'] = (source, format) =>
  along(source, new DecompressionStream(format));

/** What is generic in one declaration is not in the other: `Uint8Array` of any buffer, and of an ArrayBuffer. */
function along(
  source: ReadableStream<Uint8Array>,
  transform: GenericTransformStream,
): ReadableStream<Uint8Array> {
  return source.pipeThrough<Uint8Array>(transform);
}
