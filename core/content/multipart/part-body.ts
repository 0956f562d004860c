/** The body of a part that is still on its way: read by whoever wants it, passed over where nobody does. */

import { ConfigurationError } from '../../errors.js';

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
