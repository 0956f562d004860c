/** Content of a file that is still arriving. */

import { type ByteRange, type Content, type MediaType, readAll } from '../../content/content.js';
import { LimitError } from '../../errors.js';
import type { Arrival } from './arrival.js';

/** Bytes of a chunk of a stream. */
const CHUNK = 262_144;

/**
 * Content that is still arriving. Its streams deliver the bytes as they arrive, end when the file is complete and verified,
 * and fail when the transfer is interrupted. A stream of a range ends as soon as the range has arrived.
 */
export class GrowingContent implements Content {
  /** As offered. If no size was offered, it is set when the content is complete. */
  size?: number;
  readonly #arrival: Arrival;

  constructor(
    readonly type: MediaType,
    arrival: Arrival,
    offered: number | undefined,
  ) {
    this.#arrival = arrival;
    if (offered !== undefined) this.size = offered;
  }

  open({ start, end = Number.MAX_SAFE_INTEGER - 1 }: ByteRange = { start: 0 }): ReadableStream<Uint8Array> {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start - 1) {
      throw new RangeError(`invalid range ${start} to ${end}: expected integers, 0 <= start <= end`);
    }
    let at = start;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await this.#next(at, end + 1);
          if (bytes.length === 0) controller.close();
          else controller.enqueue(bytes);
          at += bytes.length;
        },
      },
      { highWaterMark: 0 },
    );
  }

  async bytes(limit: number): Promise<Uint8Array> {
    if (this.size !== undefined && this.size > limit) {
      throw new LimitError(`the content has ${this.size} bytes: expected at most ${limit}`);
    }
    return readAll(this.open(), limit);
  }

  /** Empty at the end. */
  async #next(at: number, until: number): Promise<Uint8Array> {
    const last = at >= until;
    // The last byte of the range may be the last of the content, which is not verified yet: the stream waits for that.
    if (last && this.size !== undefined && until < this.size) return new Uint8Array();
    await this.#arrival.beyond(last ? until : at);
    const there = Math.min(until, this.#arrival.watermark) - at;
    return there > 0 ? this.#arrival.read(at, Math.min(CHUNK, there)) : new Uint8Array();
  }
}
