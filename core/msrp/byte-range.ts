/** Byte-Range (RFC 4975 7.1, 9): which bytes of a message a chunk carries. */

import type { ByteRange } from './frame.js';

const BYTE_RANGE = /^([0-9]+)-([0-9]+|\*)\/([0-9]+|\*)$/;

/** Undefined where it is malformed, or can be of no message. */
export function parseByteRange(value: string): ByteRange | undefined {
  const [, first = '', last = '', whole = ''] = BYTE_RANGE.exec(value) ?? [];
  const start = parseNumber(first);
  const end = parseNumber(last);
  const total = parseNumber(whole);
  if (start === undefined || start === 0) return undefined;
  const numbers = [start, end ?? 0, total ?? 0];
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  if (end !== undefined && end < start - 1) return undefined;
  if (total !== undefined && (end ?? start - 1) > total) return undefined;
  return { start, end, total };
}

export function formatByteRange({ start, end, total }: ByteRange): string {
  return `${start}-${end ?? '*'}/${total ?? '*'}`;
}

/** Undefined for `*`, and for what did not match. */
function parseNumber(text: string): number | undefined {
  return text === '*' || text === '' ? undefined : Number(text);
}
