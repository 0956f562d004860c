/** The last of a bundle's size: terser takes what esbuild leaves, 4 % of the compressed bundle. */

import { type MinifyOptions, minify } from 'terser';
import type { SourceMap } from './source-map.js';

/** Only what keeps the meaning of any program: terser's `unsafe` options are left alone. */
const OPTIONS: MinifyOptions = {
  module: true,
  ecma: 2020,
  compress: { passes: 2 },
  format: { comments: false },
};

export interface Minified {
  code: string;
  map: SourceMap;
}

/** @param map of `code`, which the new one goes back through. */
export async function minified(code: string, map: SourceMap): Promise<Minified> {
  const made = await minify(code, {
    ...OPTIONS,
    sourceMap: { content: JSON.stringify(map), includeSources: true, asObject: true },
  });
  if (made.code === undefined || typeof made.map !== 'object') throw new Error('terser gave nothing');
  return { code: made.code, map: made.map as SourceMap };
}
