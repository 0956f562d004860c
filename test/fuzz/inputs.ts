/** Inputs of a reader: mutated fixtures, words of its grammar, bytes, and repetitions. */

import fc from 'fast-check';

/** Text of any script, with the characters that formats escape. Without lone surrogates, which UTF-8 cannot encode. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '"', '\\', '&', '<', ';', '%', ',', '\ufeff') },
);

export const token: fc.Arbitrary<string> = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/);
export const word: fc.Arbitrary<string> = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/);
export const octets: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 40 });
/** Whole seconds, because formats have no fractions. */
export const date: fc.Arbitrary<Date> = fc.nat(0xffff_ffff).map((seconds) => new Date(seconds * 1000));

/** Bytes that end lines, texts, lengths and escapes in many formats. */
const COMMON = ['\r\n', '\n', '\r', '\0', ' ', '\t', '"', '\\', '%', ';', ',', ':', '=', '<', '>', '\xff'];
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
const NUMBERS = ['0', '-1', '4294967296', '9007199254740993', '1e400', '9'.repeat(40)];
/** Lengths of binary formats. */
const LENGTHS = ['\x7f', '\x80', '\x8f\xff\xff\xff\x7f', '\x1f\xff', '\x1e', '\xff\xff\xff\xff'];

interface Edit {
  /** Position, in thousandths of the input. */
  at: number;
  /** Bytes that are removed there. */
  cut: number;
  put: Uint8Array;
}

function bytesOf(text: string): Uint8Array {
  return /[^\0-\xff]/.test(text)
    ? new TextEncoder().encode(text)
    : Uint8Array.from(Buffer.from(text, 'latin1'));
}

export function inputsFrom(seeds: readonly Uint8Array[], words: readonly string[]): fc.Arbitrary<Uint8Array> {
  const seed = fc.constantFrom(...seeds);
  const words_ = fc.constantFrom(...[...words, ...COMMON, ...NAMES, ...NUMBERS, ...LENGTHS].map(bytesOf));
  const slice = fc
    .tuple(seed, fc.nat(999), fc.nat(60))
    .map(([bytes, at, length]) => bytes.subarray(offset(bytes, at), offset(bytes, at) + length));
  const put = fc.oneof(
    { weight: 4, arbitrary: words_ },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 6 }) },
    { weight: 2, arbitrary: slice },
    { weight: 1, arbitrary: fc.tuple(words_, fc.nat(40)).map(([bytes, count]) => repeated(bytes, count)) },
    { weight: 1, arbitrary: fc.constant(new Uint8Array()) },
  );
  const edit: fc.Arbitrary<Edit> = fc.record({
    at: fc.nat(999),
    cut: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(100)),
    put,
  });
  const edits = fc.array(edit, { maxLength: 5 });
  return fc.oneof(
    { weight: 8, arbitrary: fc.tuple(seed, edits).map(([bytes, each]) => each.reduce(edited, bytes)) },
    { weight: 2, arbitrary: fc.array(fc.oneof(words_, slice), { maxLength: 12 }).map(joined) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  );
}

function edited(bytes: Uint8Array, { at, cut, put }: Edit): Uint8Array {
  const from = offset(bytes, at);
  return joined([bytes.subarray(0, from), put, bytes.subarray(from + cut)]);
}

function offset(bytes: Uint8Array, thousandths: number): number {
  return Math.floor((thousandths / 1000) * (bytes.length + 1));
}

function repeated(bytes: Uint8Array, count: number): Uint8Array {
  return joined(Array.from({ length: count }, () => bytes));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A piece that is repeated within a fixture, up to the size of a whole input. */
export interface Repetition {
  seed: Uint8Array;
  /** Position, in thousandths of the fixture. */
  at: number;
  piece: Uint8Array;
}

export function repetitionsFrom(
  seeds: readonly Uint8Array[],
  words: readonly string[],
): fc.Arbitrary<Repetition> {
  const seed = fc.constantFrom(...seeds);
  const words_ = fc.constantFrom(...[...words, ...COMMON].map(bytesOf));
  const slice = fc
    .tuple(seed, fc.nat(999), fc.integer({ min: 1, max: 40 }))
    .map(([bytes, at, length]) => bytes.subarray(offset(bytes, at), offset(bytes, at) + length));
  const piece = fc
    .oneof(words_, slice, fc.tuple(words_, words_).map(joined), fc.uint8Array({ minLength: 1, maxLength: 2 }))
    .filter((bytes) => bytes.length > 0);
  return fc.record({ seed, at: fc.nat(999), piece });
}

/** @param size of the input, in bytes. */
export function repetition({ seed, at, piece }: Repetition, size: number): Uint8Array {
  const put = repeated(piece, Math.max(1, Math.floor((size - seed.length) / piece.length)));
  return edited(seed, { at, cut: 0, put }).subarray(0, size);
}
