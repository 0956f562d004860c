/** Limits of time, rate and size for one HTTP exchange. */

import { reasonOf } from '../../text.js';
import { FetchError } from './fetch-error.js';

/**
 * Bytes per second. A body that is slower than this after the timeout is aborted, so that the size limit also limits the
 * duration. GPRS is four times as fast.
 */
const MIN_RATE = 1024;

/** Counts only the time that the server takes, not the time that the reader takes. */
export class ExchangeGuard {
  readonly #controller = new AbortController();
  readonly #release: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds spent waiting for the server. */
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

  /** Aborted with a FetchError `timeout`, or with the reason of the caller's signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for a step of the exchange. Rejects after the timeout. */
  async wait<T>(work: Promise<T>): Promise<T> {
    const started = performance.now();
    const { signal } = this;
    this.#timer = setTimeout(
      () => this.#controller.abort(this.#timeout('did not answer')),
      this.milliseconds,
    );
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

  /** The body, with the limits of time, rate and size. */
  limitBody(body: ReadableStream<Uint8Array>, limit: number): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let size = 0;
    const release = async (reason: unknown) => {
      this.end();
      // Closes the connection.
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
            this.#checkLimits(size, limit);
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

  #checkLimits(size: number, limit: number): void {
    if (size > limit) throw new FetchError('too-large', `${this.host} sent more than ${limit} bytes`);
    if (size < ((this.#waited - this.milliseconds) / 1000) * MIN_RATE) throw this.#timeout('was too slow');
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>) {
    try {
      return await reader.read();
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      const why = reasonOf(error);
      throw new FetchError('unreachable', why, { cause: error });
    }
  }

  #timeout(how: string): FetchError {
    return new FetchError('timeout', `${this.host} ${how} for ${this.milliseconds / 1000} s`);
  }
}
