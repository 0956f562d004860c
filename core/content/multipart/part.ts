/** The parts of a multipart content, in memory and as they come. */

import { MalformedError } from '../../errors.js';
import type { Content } from '../content.js';
import type { HeaderList } from '../http-headers.js';
import type { WspRawHeader } from '../wsp/headers.js';
import type { EntityHead } from './entity-head.js';
import type { OctetSource } from './octet-source.js';

interface PartHead extends EntityHead {
  /** WSP multipart: headers that have no text form. */
  readonly others?: readonly WspRawHeader[];
}

/** A part of a multipart, in memory. */
export interface Part extends PartHead {
  /** Bytes as sent; a Content-Transfer-Encoding is not decoded. */
  readonly body: Uint8Array;
}

/** A part of a stream. Read or skip it before you request the next one. */
export interface StreamedPart extends PartHead {
  /** Size in bytes, if the format declares it. */
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

/** Parts of one multipart: real ones have a few dozen, a hostile one of 5 MiB could have millions. */
export const MAX_PARTS = 1024;

export function checkPartCount(count: number, document: string): void {
  if (count > MAX_PARTS) throw new MalformedError(`${document}: expected at most ${MAX_PARTS} parts`);
}

/** From the generator of a multipart's parts to what its readers are given. */

/** Ends with the source cancelled, however it ends, even before the first part was asked for. */
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
      // First the source: a part that is waited for may never come.
      await source.cancel();
      await parts.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
