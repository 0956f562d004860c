/** Sizes of a bundle by package, for people. */

import type { Bundle } from './bundle.js';

/** One line each, the last for all of it together. */
export function sizeTable({ shares, size }: Pick<Bundle, 'shares' | 'size'>): string[] {
  return [
    ...shares.map(([name, bytes]) => row(name, kilobytes(bytes))),
    `${row('together', kilobytes(size.minified))}, ${kilobytes(size.gzipped)} gzipped`,
  ];
}

/** A kB has 1000 bytes. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function row(name: string, size: string): string {
  return `${name.padEnd(34)}${size.padStart(12)}`;
}
