/** Limits the body of a request while it is streamed. */

import { SipPushError } from '../../core/errors.js';

/** The body of a request exceeds the limit. */
export class BodyTooLargeError extends SipPushError {
  static {
    BodyTooLargeError.prototype.name = 'BodyTooLargeError';
  }
}

/**
 * The body, which errors with BodyTooLargeError beyond `maxBytes`. The body-limit of Hono would buffer a whole body
 * without Content-Length.
 * @throws BodyTooLargeError if Content-Length exceeds the limit.
 */
export function limitedBody({ headers, body }: Request, maxBytes: number): ReadableStream<Uint8Array> {
  const tooLarge = () => new BodyTooLargeError(`the body is too large: expected at most ${maxBytes} bytes`);
  if (Number(headers.get('content-length')) > maxBytes) throw tooLarge();
  let size = 0;
  return (body ?? new Blob([]).stream()).pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        if (size > maxBytes) throw tooLarge();
        controller.enqueue(chunk);
      },
    }),
  );
}
