/** The end-line of a frame (RFC 4975 7.1): seven hyphens, the transaction identifier, a flag. */

import type { ContinuationFlag } from './frame.js';

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
export const HYPHEN = 0x2d;

/** How every end-line begins, the CRLF before it included. */
export const END_LINE_START = Uint8Array.of(CR, LF, HYPHEN, HYPHEN, HYPHEN, HYPHEN, HYPHEN);

/** CRLF, hyphens, a blank, an identifier of 64 characters, flag, CRLF. */
export const LONGEST_END_LINE = 2 + 7 + 1 + 64 + 1 + 2;

/** What `matchEndLine` answers beside a length. */
export const NO_END_LINE = 0;
export const CUT_SHORT = -1;

const FLAGS: ReadonlyMap<number | undefined, ContinuationFlag> = new Map([
  [0x24, '$'],
  [0x2b, '+'],
  [0x23, '#'],
]);

/**
 * Length of the end-line of `id` with the CRLF before it, which stands at `at`; NO_END_LINE when there is none;
 * CUT_SHORT when the bytes end too early to tell.
 *
 * The sample flow of TS appendix B.4 has five hyphens, and a blank before the identifier: taken for the same. The
 * identifier is random, so this makes no difference to what a body can hold.
 */
export function matchEndLine(bytes: Uint8Array, at: number, id: Uint8Array): number {
  let next = matchBytes(bytes, at, END_LINE_START);
  if (next <= 0) return next;
  if (bytes[next] === HYPHEN) {
    next++;
    if (next === bytes.length) return CUT_SHORT;
    if (bytes[next] !== HYPHEN) return NO_END_LINE;
    next++;
  }
  if (bytes[next] === SPACE) next++;
  next = matchBytes(bytes, next, id);
  if (next <= 0) return next;
  if (next === bytes.length) return CUT_SHORT;
  if (!FLAGS.has(bytes[next])) return NO_END_LINE;
  next = matchBytes(bytes, next + 1, END_LINE_START.subarray(0, 2));
  return next <= 0 ? next : next - at;
}

/** The flag of an end-line that ends at `end`. */
export function flagBefore(bytes: Uint8Array, end: number): ContinuationFlag {
  return FLAGS.get(bytes[end - 3]) ?? '$';
}

/** Index after `pattern`, or one of the two above. */
function matchBytes(bytes: Uint8Array, at: number, pattern: Uint8Array): number {
  for (let index = 0; index < pattern.length; index++) {
    if (at + index === bytes.length) return CUT_SHORT;
    if (bytes[at + index] !== pattern[index]) return NO_END_LINE;
  }
  return at + pattern.length;
}
