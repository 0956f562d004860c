/** Content codings (RFC 9110 8.4.1; RFC 3261 20.12 takes them over for SIP). */

import { platform } from '#platform';
import { LimitError, MalformedError } from '../errors.js';
import { type ByteRange, type Content, readAll, streamOf, through } from './content.js';

export type ContentCoding = 'gzip' | 'deflate';

/** For an Accept-Encoding, in order of preference. */
export const CONTENT_CODINGS = ['gzip', 'deflate', 'identity'] as const;

/** One that is compressed twice gains nothing; ten times, it is somebody's joke at our cost. */
const MAX_CODINGS = 2;

const CODINGS = new Map<string, ContentCoding | undefined>([
  ['gzip', 'gzip'],
  // RFC 9110 8.4.1.3: an old name of gzip.
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['identity', undefined],
  ['', undefined],
]);

/** A coding that this package does not undo. */
export class UnknownCodingError extends MalformedError {}

/**
 * The codings of a Content-Encoding value in the order in which they were applied.
 * @throws UnknownCoding for one that is not known, or more than two.
 */
export function parseContentEncoding(value = ''): ContentCoding[] {
  const codings = value.split(',').flatMap((element) => {
    const name = element.trim().toLowerCase();
    if (!CODINGS.has(name)) throw new UnknownCodingError(`content coding ${name.slice(0, 100)} is not known`);
    return CODINGS.get(name) ?? [];
  });
  if (codings.length > MAX_CODINGS) {
    throw new UnknownCodingError(`${codings.length} content codings; at most ${MAX_CODINGS} are undone`);
  }
  return codings;
}

/** Compressed content unfolded: as a stream, within bounds, whatever it claims to be. */

/**
 * Bytes out for one byte in. Deflate gives 1032 at most, text and XML 5 to 50, a table of the same line some 200:
 * what unfolds further holds nothing that anybody wrote.
 */
export const MAX_RATIO = 250;

/** Bytes that may come out whatever the ratio: a short document of one line repeated is harmless. */
export const RATIO_FREE = 1024 * 1024;

/**
 * Bytes given to a decompressor at once: some unfold all that they are given before anybody has read the first of
 * it, and this is a megabyte at most.
 */
const SLICE = 1024;

/**
 * `source` with its codings undone, the last one first.
 * The stream errors with LimitError as soon as more than `limit` bytes have come out of any of them, or the ratio is
 * past MAX_RATIO; with MalformedError when the data is not what the coding says, or is cut short.
 */
export function decodeStream(
  source: ReadableStream<Uint8Array>,
  codings: readonly ContentCoding[],
  limit: number,
): ReadableStream<Uint8Array> {
  return codings.reduceRight(
    (stream, coding) => through(stream, (compressed) => decode(compressed, coding, limit)),
    source,
  );
}

async function* decode(
  source: ReadableStream<Uint8Array>,
  coding: ContentCoding,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const input = new Input(source);
  try {
    const first = await input.slices.next();
    // RFC 9110 8.4.1.2: deflate has the zlib wrapper; some senders leave it out.
    const raw = coding === 'deflate' && !hasZlibHeader(first.value ?? NOTHING);
    const slices = streamOf(startingWith(first, input.slices));
    let out = 0;
    for await (const chunk of platform.decompress(slices, raw ? 'deflate-raw' : coding)) {
      out += chunk.length;
      if (out > limit) throw new LimitError(`${coding}: unfolds to more than ${limit} bytes`);
      if (out > RATIO_FREE && out > input.bytes * MAX_RATIO) {
        throw new LimitError(
          `${coding}: ${input.bytes} bytes unfold to ${out} so far, more than ${MAX_RATIO} for one`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (input.failure) throw input.failure.reason;
    if (error instanceof LimitError) throw error;
    // What a decompressor throws differs from platform to platform, and says no more than this.
    throw new MalformedError(`the content is not ${coding}, or not all of it`, { cause: error });
  } finally {
    await input.slices.return(undefined);
  }
}

const NOTHING = new Uint8Array();

/** Compressed bytes in slices, counted as they are taken; the first has at least two where there are two. */
class Input {
  bytes = 0;
  /** What the source threw. */
  failure: { reason: unknown } | undefined;
  readonly slices: AsyncGenerator<Uint8Array>;

  constructor(private readonly source: ReadableStream<Uint8Array>) {
    this.slices = this.#slices();
  }

  async *#slices(): AsyncGenerator<Uint8Array> {
    let rest = new Uint8Array();
    try {
      for await (const chunk of this.source) {
        const bytes = rest.length === 0 ? chunk : new Uint8Array([...rest, ...chunk]);
        rest = new Uint8Array();
        if (this.bytes === 0 && bytes.length < 2) {
          rest = new Uint8Array(bytes);
          continue;
        }
        for (let at = 0; at < bytes.length; at += SLICE) yield this.#taken(bytes.subarray(at, at + SLICE));
      }
    } catch (error) {
      this.failure = { reason: error };
      throw error;
    }
    if (rest.length > 0) yield this.#taken(rest);
  }

  #taken(slice: Uint8Array): Uint8Array {
    this.bytes += slice.length;
    return slice;
  }
}

async function* startingWith<T>(first: IteratorResult<T>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** RFC 1950 2.2: compression method 8, and a check that makes a multiple of 31 of both bytes. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/** Content compressed as it is read. */

/**
 * The same content in a coding. Its size is counted once; whoever opens it has it compressed anew, so that nothing
 * but the original is kept. A range is one of the compressed bytes.
 */
export async function encodedContent(content: Content, coding: ContentCoding): Promise<Content> {
  let size = 0;
  for await (const chunk of platform.compress(content.open(), coding)) size += chunk.length;
  const open = (range: ByteRange = { start: 0 }) =>
    through(platform.compress(content.open(), coding), (stream) => slice(stream, range));
  return { type: content.type, size, open, bytes: (limit) => readAll(open(), limit) };
}

/** The bytes of a range, as far as there are any. */
async function* slice(
  stream: ReadableStream<Uint8Array>,
  { start, end = Number.MAX_SAFE_INTEGER }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of stream) {
    const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
    at += chunk.length;
    if (wanted.length > 0) yield wanted;
    if (at > end) return;
  }
}
