/**
 * How many bits of a deflate stream (RFC 1951) each byte of the text takes. What a package costs in a compressed bundle
 * cannot be seen by compressing it alone: it shares words with all the others.
 */

import { deflateRawSync } from 'node:zlib';

/** RFC 1951 3.2.5: the shortest length, or distance, of each code, is told by how many extra bits those before have. */
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5];
const SHORTEST = 3;
/** Of the last code, which stands apart. */
const LONGEST = 258;
const END_OF_BLOCK = 256;
/** 3.2.7: order of the lengths of code length codes. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const MAX_CODE_BITS = 15;
/** Room for a code of 15 bits and its length in one key. */
const LENGTH_UNIT = 1 << 16;

const LENGTHS = [...starts(SHORTEST, LENGTH_BITS), LONGEST];

/** A Huffman code: symbols by length and bits. */
type Code = ReadonlyMap<number, number>;

/** Bits that each byte of `text` takes in its deflate stream at the best level; codes of a block are nobody's. */
export function deflatedBits(text: Uint8Array): Float64Array {
  const reader = new BitReader(deflateRawSync(text, { level: 9 }));
  const cost = new Float64Array(text.length);
  let at = 0;
  for (let last = false; !last; ) {
    last = reader.bits(1) === 1;
    const type = reader.bits(2);
    at =
      type === 0
        ? stored(reader, cost, at)
        : compressed(reader, type === 1 ? FIXED : dynamic(reader), cost, at);
  }
  return cost;
}

function stored(reader: BitReader, cost: Float64Array, at: number): number {
  reader.toByte();
  const length = reader.bits(16);
  reader.skip(16 + 8 * length);
  cost.fill(8, at, at + length);
  return at + length;
}

interface Codes {
  literals: Code;
  distances: Code;
}

function compressed(
  reader: BitReader,
  { literals, distances }: Codes,
  cost: Float64Array,
  from: number,
): number {
  let at = from;
  for (;;) {
    const before = reader.position;
    const symbol = reader.symbol(literals);
    if (symbol === END_OF_BLOCK) return at;
    let length = 1;
    if (symbol > END_OF_BLOCK) {
      const index = symbol - END_OF_BLOCK - 1;
      length = (LENGTHS[index] ?? 0) + reader.bits(LENGTH_BITS[index] ?? 0);
      reader.skip(Math.max(0, (reader.symbol(distances) >> 1) - 1));
    }
    cost.fill((reader.position - before) / length, at, at + length);
    at += length;
  }
}

function dynamic(reader: BitReader): Codes {
  const literals = reader.bits(5) + 257;
  const distances = reader.bits(5) + 1;
  const count = reader.bits(4) + 4;
  const lengths = new Array<number>(ORDER.length).fill(0);
  for (const symbol of ORDER.slice(0, count)) lengths[symbol] = reader.bits(3);
  const code = codeOf(lengths);
  const all: number[] = [];
  while (all.length < literals + distances) {
    const symbol = reader.symbol(code);
    if (symbol < 16) all.push(symbol);
    else if (symbol === 16) push(all, all.at(-1) ?? 0, 3 + reader.bits(2));
    else push(all, 0, symbol === 17 ? 3 + reader.bits(3) : 11 + reader.bits(7));
  }
  return { literals: codeOf(all.slice(0, literals)), distances: codeOf(all.slice(literals)) };
}

function push(all: number[], value: number, times: number): void {
  for (let time = 0; time < times; time++) all.push(value);
}

/** 3.2.2: the codes follow from their lengths. */
function codeOf(lengths: readonly number[]): Code {
  const next = new Array<number>(MAX_CODE_BITS + 1).fill(0);
  let first = 0;
  for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
    first = (first + lengths.filter((length) => length === bits - 1 && length > 0).length) << 1;
    next[bits] = first;
  }
  const code = new Map<number, number>();
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const bits = next[length] ?? 0;
    next[length] = bits + 1;
    code.set(length * LENGTH_UNIT + bits, symbol);
  }
  return code;
}

const FIXED: Codes = {
  literals: codeOf([
    ...new Array<number>(144).fill(8),
    ...new Array<number>(112).fill(9),
    ...new Array<number>(24).fill(7),
    ...new Array<number>(8).fill(8),
  ]),
  distances: codeOf(new Array<number>(30).fill(5)),
};

function starts(first: number, extraBits: readonly number[]): number[] {
  let start = first;
  return extraBits.map((bits) => {
    const own = start;
    start += 1 << bits;
    return own;
  });
}

class BitReader {
  position = 0;

  constructor(private readonly stream: Uint8Array) {}

  bits(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) value |= this.#bit() << index;
    return value;
  }

  symbol(code: Code): number {
    let bits = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      bits = (bits << 1) | this.#bit();
      const symbol = code.get(length * LENGTH_UNIT + bits);
      if (symbol !== undefined) return symbol;
    }
    throw new Error('no deflate stream');
  }

  skip(bits: number): void {
    this.position += bits;
  }

  toByte(): void {
    this.position = Math.ceil(this.position / 8) * 8;
  }

  #bit(): number {
    const at = this.position++;
    return ((this.stream[at >> 3] ?? 0) >> (at & 7)) & 1;
  }
}
