/** The body of a request, read as it comes, and no further than it may be long. */

import { SipPushError } from '../../core/errors.js';

/** A body is longer than it may be. */
export class TooLargeError extends SipPushError {}

/**
 * Unlike body-limit of Hono, which has a body of no announced length in memory, whole, before it hands it on. Errors
 * with TooLargeError past `most` bytes.
 * @throws TooLargeError when the request says so itself.
 */
export function bounded({ headers, body }: Request, most: number): ReadableStream<Uint8Array> {
  const tooLarge = () => new TooLargeError(`the body is too large; expected ${most} bytes at most`);
  if (Number(headers.get('content-length')) > most) throw tooLarge();
  let size = 0;
  return (body ?? new Blob([]).stream()).pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        if (size > most) throw tooLarge();
        controller.enqueue(chunk);
      },
    }),
  );
}
