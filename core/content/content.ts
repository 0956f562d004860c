/** The content of a push, in memory or in a file, and streams of bytes. */

import { LimitError, PushRefused } from '../errors.js';
import type { StoredFile } from '../platform/files.js';
import { printable } from '../text.js';
import { charsetMibEnum, declaredCharset, decodeCharset, isKnownCharset } from './charset.js';

/** A media type with its parameters. */
export interface MediaType {
  /** Lower-case `type/subtype`. */
  readonly type: string;
  /** Parameters by name, `charset` for example. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A range of bytes, counted from 0. */
export interface ByteRange {
  /** First byte. */
  start: number;
  /** Last byte, inclusive; the end of the content by default. */
  end?: number;
}

/**
 * The content of a push. It can be opened several times: it is hashed before it is offered, redelivered after a crash,
 * and resumed at an offset. Small content is in memory, large content on disk.
 */
export interface Content {
  /** Media type. */
  readonly type: MediaType;
  /** Size in bytes, if known. */
  readonly size?: number;
  /** A new stream of the content, or of a range of it. */
  open(range?: ByteRange): ReadableStream<Uint8Array>;
  /** The whole content. Rejects with LimitError if it has more than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>;
}

type Bytes = ReadableStream<Uint8Array>;

/** A stream of what `chunks` yields, without reading ahead. Cancelling the stream ends the generator. */
export function streamOf<T>(chunks: AsyncGenerator<T>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Transforms `source`. Cancelling the result cancels `source`, even before the first read. */
export function through(source: Bytes, generate: (source: Bytes) => AsyncGenerator<Uint8Array>): Bytes {
  let chunks: AsyncGenerator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= generate(source);
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        // A generator that was never started would not cancel its source.
        if (chunks) await chunks.return(undefined);
        else await source.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Reads the whole stream. Rejects with LimitError, and cancels the stream, if it has more than `limit` bytes. */
export async function readAll(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw new LimitError(`the content has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Bytes of a chunk. Small, so that a reader that stops early has copied little. */
const CHUNK = 65_536;

/** Content in memory. `bytes` is not copied and must not change afterwards. */
export function memoryContent(type: MediaType, bytes: Uint8Array): Content {
  return {
    type,
    size: bytes.length,
    open: (range) => stream(slice(bytes, range)),
    async bytes(limit) {
      if (bytes.length > limit) {
        throw new LimitError(`the content has ${bytes.length} bytes: expected at most ${limit}`);
      }
      return new Uint8Array(bytes);
    },
  };
}

/** Ranges are cut at the end of the content. */
function slice(bytes: Uint8Array, { start, end = bytes.length - 1 }: ByteRange = { start: 0 }): Uint8Array {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start - 1) {
    throw new RangeError(`invalid range ${start} to ${end}: expected whole numbers, 0 <= start <= end`);
  }
  return bytes.subarray(start, end + 1);
}

function stream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(new Uint8Array(bytes.subarray(at, at + CHUNK)));
      at += CHUNK;
      if (at >= bytes.length) controller.close();
    },
  });
}

/** Content in a file. The file must not change afterwards; its owner removes it. */
export function storedContent(type: MediaType, file: StoredFile): Content {
  return {
    type,
    size: file.size,
    open: (range) => file.open(range),
    bytes: (limit) => readAll(file.open(), limit),
  };
}

/** The readers of a push, which refuse content that the application cannot read. */
export interface ContentReaders {
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
}

/** Bytes of content that `bytes` reads for an application without `maxSize`: it is in memory as a whole. */
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** `push.bytes` and `push.text`. @param maxSize of the application, in bytes. */
export function contentReaders(content: Content, maxSize = DEFAULT_MAX_BYTES): ContentReaders {
  const bytes = async () => {
    try {
      return await content.bytes(maxSize);
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      throw new PushRefused('size', error.message, { cause: error });
    }
  };
  return {
    bytes,
    async text() {
      const charset = charsetOf(content);
      return decodeCharset(await bytes(), charset).replace(/^\ufeff/, '');
    },
  };
}

/** UTF-8 if the sender declares none. @throws PushRefused of kind `type` */
function charsetOf({ type }: Content): number {
  const charset = declaredCharset(type.parameters.charset) ?? 'utf-8';
  const mibEnum = charsetMibEnum(charset);
  if (mibEnum !== undefined && isKnownCharset(mibEnum)) return mibEnum;
  throw new PushRefused('type', `unknown charset "${printable(charset)}"`);
}
