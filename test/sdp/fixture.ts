/** Session descriptions in files, named by a section of a specification or by their fault. */

import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('./fixtures/', import.meta.url);

export function fixture(kind: 'valid' | 'broken', name: string): Uint8Array {
  return readFileSync(new URL(`${kind}/${name}.sdp`, folder));
}

export function fixtureNames(kind: 'valid' | 'broken'): string[] {
  return readdirSync(new URL(`${kind}/`, folder)).map((file) => file.replace(/\.sdp$/, ''));
}

export function bytes(...lines: string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\r\n`).join(''));
}

export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** The m= line at `index` and its lines. */
export function mediaLines(body: Uint8Array, index = 0): string[] {
  return (text(body).split('\r\nm=')[index + 1] ?? '').split('\r\n').filter((line) => line !== '');
}
