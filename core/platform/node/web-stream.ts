/** Streams of Node.js as web streams that read no further ahead than somebody asks. */

import type { Readable } from 'node:stream';

/** Not `Readable.toWeb`: before Node.js 20.6 it counts chunks where it means bytes, and buffers thousands of them. */
export function webStream(
  readable: Readable,
  explain: (error: unknown) => unknown = (error) => error,
): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = readable[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          throw explain(error);
        }
      },
      cancel() {
        // Whoever cancels knows why; the end of the stream is no news.
        readable.on('error', () => {}).destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
