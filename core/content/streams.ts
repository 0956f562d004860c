/** Streams of bytes: made, and read whole. */

import { LimitError } from '../errors.js';

type Bytes = ReadableStream<Uint8Array>;

/** What `chunks` yields, drawn only when somebody reads; cancelling the stream ends it. */
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

/** What `generate` makes of `source`; `source` is cancelled even if nobody reads a byte. */
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
        // A generator that was never asked for anything ends without a trace.
        if (chunks) await chunks.return(undefined);
        else await source.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** All of it in memory. Rejects with LimitError, and reads no further, when it has more than `limit` bytes. */
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
