/** Size and hash of content, which identify it before it is transferred (RFC 5547 §6, RFC 4483). */

import { platform } from '#platform';
import type { Content } from '../content/content.js';

export interface Digest {
  /** Size in bytes. */
  readonly size: number;
  /** SHA-1 in hexadecimal. */
  readonly sha1: string;
}

/** Reads the whole content once. @param observe receives each chunk. */
export async function digestOf(
  content: Content,
  observe: (chunk: Uint8Array) => void = () => {},
): Promise<Digest> {
  const hasher = platform.hasher('sha-1');
  let size = 0;
  for await (const chunk of content.open()) {
    hasher.update(chunk);
    observe(chunk);
    size += chunk.length;
  }
  return { size, sha1: hasher.digest() };
}
