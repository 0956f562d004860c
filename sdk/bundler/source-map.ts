/** Which source each part of a bundle is from, by its source map (ECMA-426). */

export interface SourceMap {
  version: 3;
  sources: string[];
  sourcesContent?: (string | null)[];
  names: string[];
  mappings: string;
}

/** From `start` to the next one's start, in UTF-16 units of the text. */
export interface Part {
  start: number;
  /** Index of `sources`; -1 for what is no source's. */
  source: number;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGIT_OF = new Map(Array.from(DIGITS, (digit, value) => [digit, value]));
const CONTINUES = 32;

/** In order, and no two of one source in a row. */
export function partsOf({ mappings }: SourceMap, text: string): Part[] {
  const parts: Part[] = [{ start: 0, source: -1 }];
  let lineStart = 0;
  let source = 0;
  for (const line of mappings.split(';')) {
    let column = 0;
    for (const segment of line === '' ? [] : line.split(',')) {
      const [columns = 0, sources] = numbersOf(segment);
      column += columns;
      source += sources ?? 0;
      const own = sources === undefined ? -1 : source;
      if (parts.at(-1)?.source !== own) parts.push({ start: lineStart + column, source: own });
    }
    lineStart = text.indexOf('\n', lineStart) + 1;
  }
  return parts;
}

/** Base64 VLQ: five bits a digit, the lowest first; the lowest bit of all is the sign. */
function numbersOf(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGIT_OF.get(digit) ?? 0;
    value |= (bits & (CONTINUES - 1)) << shift;
    shift += 5;
    if (bits & CONTINUES) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}
