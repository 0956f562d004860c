/** From generators to what readers and writers of multiparts give out. */

import type { OctetSource } from './octet-source.js';
import type { StreamedPart, StreamedParts } from './part.js';

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

/** A stream that reads the generator no faster than it is read itself. */
export function streamFrom(chunks: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The chunks of a stream; it is cancelled where its reader stops early. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** All that is left of a source. */
export function restOf(source: OctetSource): () => Promise<Uint8Array | undefined> {
  return async () => {
    while (source.buffered.length === 0) {
      if (source.ended) return undefined;
      await source.more();
    }
    return source.take(source.buffered.length);
  };
}
