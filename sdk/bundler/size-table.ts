/** Prints the sizes of a bundle by package. */

import type { Bundle } from './bundle.js';

/** One line for each package, then the total. */
export function sizeTable({ shares, size }: Pick<Bundle, 'shares' | 'size'>): string[] {
  return [
    ...shares.map(([name, bytes]) => row(name, kilobytes(bytes))),
    `${row('total', kilobytes(size.minified))}, ${kilobytes(size.gzipped)} gzipped`,
  ];
}

/** A size in kB of 1000 bytes. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function row(name: string, size: string): string {
  return `${name.padEnd(34)}${size.padStart(12)}`;
}
