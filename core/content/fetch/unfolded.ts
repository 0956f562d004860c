/** Bodies with their Content-Encoding undone, and what goes wrong with that by name. */

import { LimitError, MalformedError } from '../../errors.js';
import { type ContentCoding, parseContentEncoding } from '../encoding/coding.js';
import { decodeStream } from '../encoding/decode.js';
import { through } from '../streams.js';
import { FetchError } from './fetch-error.js';

/** @throws FetchError `malformed` for a coding that is not known. */
export function codingsOf(contentEncoding: string | undefined): ContentCoding[] {
  try {
    return parseContentEncoding(contentEncoding);
  } catch (error) {
    throw explained(error);
  }
}

/** The stream errors with FetchError `unfolds` past `limit` bytes or the ratio, `malformed` when it is not as said. */
export function unfolded(
  body: ReadableStream<Uint8Array>,
  codings: readonly ContentCoding[],
  limit: number,
): ReadableStream<Uint8Array> {
  if (codings.length === 0) return body;
  return through(decodeStream(body, codings, limit), async function* (decoded) {
    try {
      yield* decoded;
    } catch (error) {
      throw explained(error);
    }
  });
}

function explained(error: unknown): unknown {
  if (error instanceof LimitError) return new FetchError('unfolds', error.message, { cause: error });
  if (error instanceof MalformedError) return new FetchError('malformed', error.message, { cause: error });
  return error;
}
