/** How long one HTTP exchange may keep us, and how much it may bring. */

import { FetchError } from './fetch-error.js';

/**
 * Bytes a second. A body that comes slower, once the time-out is over, is a server that means to keep us: GPRS does
 * four times as much. So no exchange takes longer than its limit of bytes allows.
 */
const TRICKLE = 1024;

/** Only the time that the other side takes counts, not that of whoever reads. */
export class ExchangeGuard {
  readonly #controller = new AbortController();
  readonly #release: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds waited. */
  #waited = 0;

  constructor(
    private readonly milliseconds: number,
    private readonly host: string,
    signal: AbortSignal | undefined,
  ) {
    const abort = () => this.#controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    this.#release = () => signal?.removeEventListener('abort', abort);
  }

  /** Aborted with what is thrown: a FetchError `timeout`, or the reason of the caller's signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects when it takes too long. */
  async wait<T>(work: Promise<T>): Promise<T> {
    const started = performance.now();
    const { signal } = this;
    this.#timer = setTimeout(() => this.#controller.abort(this.#timeout('silent')), this.milliseconds);
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      clearTimeout(this.#timer);
      signal.removeEventListener('abort', onAbort);
      this.#waited += performance.now() - started;
    }
  }

  /** The same bytes, while they come and are not too many. */
  limitBody(body: ReadableStream<Uint8Array>, limit: number): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let size = 0;
    const release = async (reason: unknown) => {
      this.end();
      // Ends the connection, unless that has ended.
      await reader.cancel(reason).catch(() => {});
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const { done, value } = await this.wait(this.#read(reader));
            if (done) {
              this.end();
              return controller.close();
            }
            size += value.length;
            this.#requireBounds(size, limit);
            controller.enqueue(value);
          } catch (error) {
            await release(error);
            throw error;
          }
        },
        cancel: release,
      },
      { highWaterMark: 0 },
    );
  }

  end(): void {
    this.#release();
  }

  #requireBounds(size: number, limit: number): void {
    if (size > limit) throw new FetchError('too-large', `${this.host} sends more than ${limit} bytes`);
    if (size < ((this.#waited - this.milliseconds) / 1000) * TRICKLE) throw this.#timeout('too slow');
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>) {
    try {
      return await reader.read();
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      const why = error instanceof Error ? error.message : String(error);
      throw new FetchError('unreachable', why, { cause: error });
    }
  }

  #timeout(how: string): FetchError {
    return new FetchError('timeout', `${this.host} is ${how} for ${this.milliseconds / 1000} s`);
  }
}
