/** Content codings (RFC 9110 §8.4.1), which SIP uses too (RFC 3261 §20.12). */

import { platform } from '#platform';
import { LimitError, MalformedError } from '../errors.js';
import { type ByteRange, type Content, readAll, streamOf, through } from './content.js';

export type ContentCoding = 'gzip' | 'deflate';

/** For an Accept-Encoding, in order of preference. */
export const CONTENT_CODINGS = ['gzip', 'deflate', 'identity'] as const;

/** Compressing twice gains nothing. More codings are an attack. */
const MAX_CODINGS = 2;

const CODINGS = new Map<string, ContentCoding | undefined>([
  ['gzip', 'gzip'],
  // RFC 9110 §8.4.1.3: an old name of gzip.
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['identity', undefined],
  ['', undefined],
]);

/** The content coding is not supported. */
export class UnknownCodingError extends MalformedError {
  static {
    UnknownCodingError.prototype.name = 'UnknownCodingError';
  }
}

/**
 * The codings of a Content-Encoding value in the order in which they were applied.
 * @throws UnknownCodingError for an unknown coding, or more than two.
 */
export function parseContentEncoding(value = ''): ContentCoding[] {
  const codings = value.split(',').flatMap((element) => {
    const name = element.trim().toLowerCase();
    if (!CODINGS.has(name))
      throw new UnknownCodingError(
        `unknown content coding "${name.slice(0, 100)}": expected ${CONTENT_CODINGS.join(', ')}`,
      );
    return CODINGS.get(name) ?? [];
  });
  if (codings.length > MAX_CODINGS) {
    throw new UnknownCodingError(`${codings.length} content codings: expected at most ${MAX_CODINGS}`);
  }
  return codings;
}

/**
 * Decoded bytes for each compressed byte. Deflate reaches at most 1032, text and XML 5 to 50, a table of equal lines
 * about 200. A higher ratio is an attack.
 */
const MAX_RATIO = 250;

/** Decoded bytes up to which the ratio is not checked. */
export const RATIO_FREE = 1024 * 1024;

/**
 * Bytes that a decompressor receives at once. Some decompressors decode all input before the first read: at most a
 * megabyte with this limit.
 */
const SLICE = 1024;

/**
 * Decodes `source`, the last coding first.
 * The stream errors with LimitError if any decoder exceeds `limit` bytes or MAX_RATIO, and with MalformedError if the
 * data is invalid or truncated.
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
  const input = new SlicedInput(source);
  try {
    const first = await input.slices.next();
    // RFC 9110 §8.4.1.2: deflate has the zlib wrapper, but some senders omit it.
    const raw = coding === 'deflate' && !hasZlibHeader(first.value ?? NOTHING);
    const slices = streamOf(startingWith(first, input.slices));
    let out = 0;
    for await (const chunk of platform.decompress(slices, raw ? 'deflate-raw' : coding)) {
      out += chunk.length;
      if (out > limit) throw new LimitError(`${coding}: the decoded content has more than ${limit} bytes`);
      if (out > RATIO_FREE && out > input.bytes * MAX_RATIO) {
        throw new LimitError(
          `${coding}: ${input.bytes} bytes expand to ${out} so far: expected at most ${MAX_RATIO} times as many`,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (input.failure) throw input.failure.reason;
    if (error instanceof LimitError) throw error;
    // The errors of decompressors differ between platforms, and contain no details.
    throw new MalformedError(`the content is not valid ${coding}, or is truncated`, { cause: error });
  } finally {
    await input.slices.return(undefined);
  }
}

const NOTHING = new Uint8Array();

/** Compressed bytes in slices, which are counted. The first slice has at least two bytes if the source has. */
class SlicedInput {
  bytes = 0;
  /** The error of the source. */
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
        for (let at = 0; at < bytes.length; at += SLICE) yield this.#counted(bytes.subarray(at, at + SLICE));
      }
    } catch (error) {
      this.failure = { reason: error };
      throw error;
    }
    if (rest.length > 0) yield this.#counted(rest);
  }

  #counted(slice: Uint8Array): Uint8Array {
    this.bytes += slice.length;
    return slice;
  }
}

async function* startingWith<T>(first: IteratorResult<T>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** RFC 1950 §2.2: compression method 8, and both bytes are a multiple of 31. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/**
 * Content that is compressed each time it is opened, so that only the original is stored. Its size is counted once.
 * Ranges count compressed bytes.
 */
export async function encodedContent(content: Content, coding: ContentCoding): Promise<Content> {
  let size = 0;
  for await (const chunk of platform.compress(content.open(), coding)) size += chunk.length;
  const open = (range: ByteRange = { start: 0 }) =>
    through(platform.compress(content.open(), coding), (stream) => slice(stream, range));
  return { type: content.type, size, open, bytes: (limit) => readAll(open(), limit) };
}

/** The existing bytes of a range. */
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
