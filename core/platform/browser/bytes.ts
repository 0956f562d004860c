/** Searches bytes, and compresses streams. */

import type { Platform } from '../platform.js';

export const indexOf: Platform['indexOf'] = (bytes, pattern, from = 0) => {
  const [first] = pattern;
  if (first === undefined) return from <= bytes.length ? from : -1;
  const last = bytes.length - pattern.length;
  for (let at = bytes.indexOf(first, from); at !== -1 && at <= last; at = bytes.indexOf(first, at + 1)) {
    if (isAt(bytes, pattern, at)) return at;
  }
  return -1;
};

function isAt(bytes: Uint8Array, pattern: Uint8Array, at: number): boolean {
  for (let index = 1; index < pattern.length; index++) {
    if (bytes[at + index] !== pattern[index]) return false;
  }
  return true;
}

export const compress: Platform['compress'] = (source, format) =>
  along(source, new CompressionStream(format));

export const decompress: Platform['decompress'] = (source, format) =>
  along(source, new DecompressionStream(format));

/** The DOM types require `Uint8Array<ArrayBuffer>`, others declare any buffer. */
function along(
  source: ReadableStream<Uint8Array>,
  transform: GenericTransformStream,
): ReadableStream<Uint8Array> {
  return source.pipeThrough<Uint8Array>(transform);
}
