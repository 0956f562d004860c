/** What each package takes of a bundle, minified and compressed. */

import { deflatedBits } from './deflate-share.js';
import { partsOf, type SourceMap } from './source-map.js';

export interface Share {
  /** Bytes. */
  minified: number;
  /** Bytes of the compressed bundle. */
  gzipped: number;
}

/**
 * By what `groupOf` calls each source, the largest first; what is no source's is counted with the source before it.
 * The sums are those of the bundle, but for the few bytes of its codes and of gzip's frame.
 */
export function sharesOf(
  text: string,
  map: SourceMap,
  groupOf: (source: string) => string,
): [group: string, share: Share][] {
  const bytes = new TextEncoder().encode(text);
  const bits = deflatedBits(bytes);
  const shares = new Map<string, Share>();
  const parts = partsOf(map, text);
  let at = 0;
  let group: string | undefined;
  for (const [index, { start, source }] of parts.entries()) {
    const name = map.sources[source];
    group = name === undefined ? group : groupOf(name);
    const length = Buffer.byteLength(text.slice(start, parts[index + 1]?.start));
    const share = shares.get(group ?? 'esbuild') ?? { minified: 0, gzipped: 0 };
    share.minified += length;
    share.gzipped += bits.subarray(at, at + length).reduce((sum, one) => sum + one, 0) / 8;
    shares.set(group ?? 'esbuild', share);
    at += length;
  }
  for (const share of shares.values()) share.gzipped = Math.round(share.gzipped);
  return [...shares].sort(([, one], [, other]) => other.minified - one.minified);
}
