/** From the generator of a multipart's parts to what its readers are given. */

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
