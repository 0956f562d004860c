/** The Range of an HTTP request (RFC 9110 14.1.2), as far as content is resumed by it: one range of bytes. */

export interface ByteSpan {
  start: number;
  /** Inclusive. */
  end: number;
}

/** Undefined for none, for several and for what is no range of bytes: the whole is the answer to those. */
export function parseRange(value: string | undefined, size: number): ByteSpan | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(value?.trim() ?? '');
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  // `-500`: the last five hundred.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start >= size || end < start ? 'unsatisfiable' : { start, end };
}
