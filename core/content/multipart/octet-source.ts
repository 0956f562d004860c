/** The octets of a stream, read by a parser: some ahead are in memory, never more than asked for and one chunk. */

import { ConfigurationError } from '../../errors.js';

export class OctetSource {
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #ended = false;
  #cancelled = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /** Locks the stream. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** A view of what is in memory, good until the next call of `more`, `fill`, `next` or `take`. */
  get buffered(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Whether all there is is in memory. */
  get ended(): boolean {
    return this.#ended && !this.#cancelled;
  }

  /** Reads one chunk more; rejects as the stream does, and behind `cancel`, so that nobody takes that for the end. */
  async more(): Promise<void> {
    const { done, value } = await this.#reader.read();
    if (this.#cancelled) throw new ConfigurationError('the parts were left, and their stream is cancelled');
    if (done) this.#ended = true;
    else this.#append(value);
  }

  /** Until `count` octets are in memory, or the stream has ended. */
  async fill(count: number): Promise<void> {
    while (!this.ended && this.#end - this.#start < count) await this.more();
  }

  /** A copy of the next octets: as many of `count` as are in memory. */
  take(count: number): Uint8Array {
    const taken = this.buffered.slice(0, count);
    this.skip(taken.length);
    return taken;
  }

  /** A copy of the next octets, `count` at most; undefined at the end. Reads on where none are in memory. */
  async next(count = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    while (this.buffered.length === 0) {
      if (this.ended) return undefined;
      await this.more();
    }
    return this.take(count);
  }

  skip(count: number): void {
    this.#start = Math.min(this.#start + count, this.#end);
  }

  /** Nothing more is wanted. Never rejects. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#start = this.#end;
    // A stream that failed has told so where it was read.
    await this.#reader.cancel().catch(() => {});
  }

  #append(chunk: Uint8Array): void {
    const left = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const target =
        left + chunk.length > this.#buffer.length
          ? // Twice what is needed: many small chunks must not each move all that came before.
            new Uint8Array(left === 0 ? chunk.length : 2 * (left + chunk.length))
          : this.#buffer;
      target.set(this.buffered);
      this.#buffer = target;
      this.#start = 0;
      this.#end = left;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}
