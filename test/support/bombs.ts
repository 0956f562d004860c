/** Compressed content that unfolds without end. */

import { gzipSync } from 'node:zlib';

const MEMBER = 64 * 1024 * 1024;
const TEN_GB = 10 * 1024 ** 3;

let made: Buffer | undefined;

/** Below 1 MB; gunzipped twice it is 10 GB of zeros: one gzip member (RFC 1952 2.2) again and again. */
export function nestedBomb(): Buffer {
  if (!made) {
    const member = gzipSync(Buffer.alloc(MEMBER), { level: 9 });
    made = gzipSync(Buffer.concat(Array(TEN_GB / MEMBER).fill(member)), { level: 9 });
  }
  return made;
}
