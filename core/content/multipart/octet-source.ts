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

/** The body of a part that is still on its way: read by whoever wants it, passed over where nobody does. */

export class PartBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #next: () => Promise<Uint8Array | undefined>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** The end, or the failure, of the octets: whoever asks again learns the same. */
  #ending: Promise<undefined> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param next octets of the body, undefined at its end. */
  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: async (controller) => {
          const octets = await this.#take();
          if (octets === undefined) controller.close();
          else controller.enqueue(octets);
        },
      },
      // Nothing is read before somebody asks: what is read ahead would be memory, and the next part's.
      { highWaterMark: 0 },
    );
  }

  /** Passes over what nobody read; from then on reading it fails, so that nobody takes it for whole. */
  async finish(): Promise<void> {
    let left = false;
    while ((await this.#take()) !== undefined) left = true;
    if (left)
      this.#controller?.error(new ConfigurationError('a part is read before the next one is asked for'));
  }

  /** One after the other, whoever asks. */
  #take(): Promise<Uint8Array | undefined> {
    const taken = this.#last.then(async () => this.#ending ?? (await this.#read()));
    this.#last = taken.catch(() => {});
    return taken;
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      const octets = await this.#next();
      if (octets === undefined) this.#ending = Promise.resolve(undefined);
      return octets;
    } catch (error) {
      this.#ending = Promise.reject(error);
      this.#ending.catch(() => {});
      throw error;
    }
  }
}
