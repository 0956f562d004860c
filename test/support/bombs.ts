/** Decompression bombs. */

import { gzipSync } from 'node:zlib';

const MEMBER = 64 * 1024 * 1024;
const TEN_GB = 10 * 1024 ** 3;

let made: Buffer | undefined;

/** Less than 1 MB of repeated gzip members (RFC 1952 §2.2) that decompress twice to 10 GB of zeros. */
export function nestedBomb(): Buffer {
  if (!made) {
    const member = gzipSync(Buffer.alloc(MEMBER), { level: 9 });
    made = gzipSync(Buffer.concat(Array(TEN_GB / MEMBER).fill(member)), { level: 9 });
  }
  return made;
}
