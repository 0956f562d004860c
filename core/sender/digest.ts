/** What identifies content before anybody has it: its size and hash (RFC 5547 6, RFC 4483). */

import { platform } from '#platform';
import type { Content } from '../content/content.js';

export interface Digest {
  /** Bytes. */
  readonly size: number;
  /** SHA-1, hexadecimal. */
  readonly sha1: string;
}

/** Reads it once, to its end. */
export async function digestOf(content: Content): Promise<Digest> {
  const hasher = platform.hasher('sha-1');
  let size = 0;
  for await (const chunk of content.open()) {
    hasher.update(chunk);
    size += chunk.length;
  }
  return { size, sha1: hasher.digest() };
}
