/** Sizes of a bundle by package, for people. */

import type { Share } from './sizes.js';

/** One line each, the last for all of it together. */
export function sizeTable(shares: readonly (readonly [name: string, share: Share])[], all: Share): string[] {
  return [
    row('', 'minified', 'gzipped'),
    ...[...shares, ['together', all] as const].map(([name, { minified, gzipped }]) =>
      row(name, kilobytes(minified), kilobytes(gzipped)),
    ),
  ];
}

/** A kB has 1000 bytes. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function row(name: string, minified: string, gzipped: string): string {
  return `${name.padEnd(34)}${minified.padStart(12)}${gzipped.padStart(12)}`;
}
