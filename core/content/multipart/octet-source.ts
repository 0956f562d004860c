/** Streams of octets for parsers: a source with lookahead, and the body of a part. */

import { ConfigurationError } from '../../errors.js';

/** Buffers at most the requested octets and one chunk. */
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

  /** A view of the buffered octets. It is valid until the next call of `more`, `fill`, `next` or `take`. */
  get buffered(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Whether all remaining octets are buffered. */
  get ended(): boolean {
    return this.#ended && !this.#cancelled;
  }

  /** Reads another chunk. Rejects like the stream, and after `cancel`, which must not look like the end. */
  async more(): Promise<void> {
    const { done, value } = await this.#reader.read();
    if (this.#cancelled) throw new ConfigurationError('the stream of the parts was cancelled');
    if (done) this.#ended = true;
    else this.#append(value);
  }

  /** Reads until `count` octets are buffered, or the stream has ended. */
  async fill(count: number): Promise<void> {
    while (!this.ended && this.#end - this.#start < count) await this.more();
  }

  /** Consumes at most `count` buffered octets, and returns a copy. */
  take(count: number): Uint8Array {
    const octets = this.buffered.slice(0, count);
    this.skip(octets.length);
    return octets;
  }

  /** Consumes at most `count` octets, and reads a chunk if none are buffered. Undefined at the end. */
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

  /** Cancels the stream. Never rejects. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#start = this.#end;
    // The reader has received the error of a failed stream.
    await this.#reader.cancel().catch(() => {});
  }

  #append(chunk: Uint8Array): void {
    const left = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const target =
        left + chunk.length > this.#buffer.length
          ? // Twice the needed size, so that many small chunks do not copy the buffer each time.
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

/** The body of a part of a stream. The octets that the reader leaves are skipped before the next part. */
export class PartBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #next: () => Promise<Uint8Array | undefined>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** The end or the error of the octets, for later reads. */
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
      // Reading ahead would consume octets of the next part.
      { highWaterMark: 0 },
    );
  }

  /** Skips unread octets. Afterwards the body errors if it was not read completely. */
  async finish(): Promise<void> {
    let unread = false;
    while ((await this.#take()) !== undefined) unread = true;
    if (unread)
      this.#controller?.error(
        new ConfigurationError('the part was not read before the next one was requested'),
      );
  }

  /** Reads are sequential. */
  #take(): Promise<Uint8Array | undefined> {
    const reading = this.#last.then(async () => this.#ending ?? (await this.#read()));
    this.#last = reading.catch(() => {});
    return reading;
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
