/** The parts of multipart content, in memory and as a stream. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { Content } from '../content.js';
import type { HeaderList } from '../http-headers.js';
import type { WspRawHeader } from '../wsp/headers.js';
import type { EntityHead } from './entity-head.js';
import type { OctetSource } from './octet-source.js';
import { isPlainTransfer, type TransferEncoding, transferEncodingOf } from './transfer-encoding.js';

/** Multiparts within multiparts that are read. Real messages have two or three levels. */
export const MAX_LEVELS = 8;

interface PartHead extends EntityHead {
  /** WSP multipart: headers that have no text form. */
  readonly others?: readonly WspRawHeader[];
}

/** A part of a multipart, in memory. */
export interface Part extends PartHead {
  /** Bytes of the content; a Content-Transfer-Encoding is decoded. */
  readonly body: Uint8Array;
}

/** A part of a stream. Read or skip it before you request the next one. */
export interface StreamedPart extends PartHead {
  /** Size in bytes, if the format declares it and the part has no Content-Transfer-Encoding. */
  readonly size?: number;
  /** Bytes of the part. Errors with MalformedError if the multipart ends inside it. */
  readonly body: ReadableStream<Uint8Array>;
}

/** The parts in order. If you stop early, call `return`, as `for await` does: it cancels the stream. */
export interface StreamedParts extends AsyncIterableIterator<StreamedPart> {
  /** Cancels the stream. */
  return(): Promise<IteratorResult<StreamedPart>>;
}

/** A part to write; its media type is that of the content. */
export interface ContentPart {
  /** Headers of the part. */
  readonly headers: HeaderList;
  /** Content of the part. */
  readonly content: Content;
}

/** The head of a part without its Content-Transfer-Encoding, which the reader decodes. */
export function transferOf<Head extends PartHead>(
  head: Head,
  document: string,
): Head & { readonly transfer: TransferEncoding } {
  const transfer = transferEncodingOf(head.headers);
  const { headers, problem } = transfer;
  if (problem === undefined) return { ...head, headers, transfer };
  return { ...head, warnings: [...(head.warnings ?? []), `${document}: ${problem}`], transfer };
}

/**
 * @throws ConfigurationError if a part to write has an encoding, because its octets are written as they are.
 */
export function requirePlainTransfer(headers: HeaderList): void {
  if (!isPlainTransfer(headers)) {
    throw new ConfigurationError(
      'invalid Content-Transfer-Encoding of a part: expected none, because parts are written as binary',
    );
  }
}

/** Real multiparts have a few dozen parts; a malicious one of 5 MiB could have millions. */
export const MAX_PARTS = 1024;

export function checkPartCount(count: number, document: string): void {
  if (count > MAX_PARTS)
    throw new MalformedError(`${document}: too many parts: expected at most ${MAX_PARTS}`);
}

/** The iterator of a generator's parts. It cancels the source when it ends, even before the first part. */
export function partsFrom(
  source: OctetSource,
  parts: AsyncGenerator<StreamedPart, void, undefined>,
): StreamedParts {
  return {
    async next() {
      try {
        const result = await parts.next();
        if (result.done) await source.cancel();
        return result;
      } catch (error) {
        await source.cancel();
        throw error;
      }
    },
    async return() {
      // The source first, because the generator can be waiting for it.
      await source.cancel();
      await parts.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
