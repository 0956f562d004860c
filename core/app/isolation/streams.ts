/**
 * Streams between two threads, in both directions. A chunk is sent when the reader asks for it, so that at most one chunk
 * of a stream is in transit.
 */

import { LimitError, MalformedError, SipPushError } from '../../errors.js';
import { MAX_CHUNK, MAX_STREAMS } from './limits.js';
import { type Message, packError, unpackError } from './messages.js';

type Post = (message: Message, transfer?: readonly ArrayBuffer[]) => void;

/** A stream to the other thread. */
interface Outgoing {
  readonly reader: ReadableStreamDefaultReader<unknown>;
  /** Its chunks are transferred, not copied. */
  readonly transferred: boolean;
  reading: boolean;
  /** Called before the end is sent. */
  readonly onEnd: () => void;
}

/** A stream from the other thread. */
interface Incoming {
  readonly controller: ReadableStreamDefaultController<unknown>;
  readonly bytes: boolean;
  /** Resolves the reader's request for a chunk, if there is one. */
  wanted: (() => void) | undefined;
  onOver(): void;
}

export interface OutgoingOptions {
  /** The buffers of its chunks are transferred: no other code uses them. */
  transferred: boolean;
  onEnd?(): void;
}

export class Streams {
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Map<number, Incoming>();
  /** Errors of streams that broke before they were read, for their readers. */
  readonly #broken = new Map<number, unknown>();

  constructor(private readonly post: Post) {}

  /** Sends a stream to the other thread, which opens it by its id. */
  send(
    id: number,
    stream: ReadableStream<unknown>,
    { transferred, onEnd = () => {} }: OutgoingOptions,
  ): void {
    if (this.#outgoing.size >= MAX_STREAMS || this.#outgoing.has(id)) {
      const why = new LimitError(`too many open streams: expected at most ${MAX_STREAMS}`);
      stream.cancel(why).catch(() => {});
      if (!this.#outgoing.has(id)) this.#broke(id, why);
      return;
    }
    const outgoing = { reader: stream.getReader(), transferred, reading: false, onEnd };
    this.#outgoing.set(id, outgoing);
    // A stream that breaks unread no longer counts against the limit.
    outgoing.reader.closed.catch((error: unknown) => {
      if (this.#outgoing.get(id) === outgoing && !outgoing.reading) this.#broke(id, error);
    });
  }

  /** Breaks a stream that was sent. Without effect if it has ended. */
  withdraw(id: number, why: unknown): void {
    if (!this.#outgoing.has(id)) return;
    this.#cancelled(id, why);
    this.post({ type: 'break', id, error: packError(why) });
  }

  /** Opens a stream of the other thread, which must send it before the first read. */
  open(id: number): ReadableStream<unknown> {
    return this.#open(id, false);
  }

  /** Opens a stream of bytes. Any other chunk breaks it. @param signal breaks it when aborted. */
  openBytes(id: number, signal?: AbortSignal): ReadableStream<Uint8Array> {
    const stream = this.#open(id, true) as ReadableStream<Uint8Array>;
    const incoming = this.#incoming.get(id);
    const abort = () => this.#break(id, signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    if (incoming) incoming.onOver = () => signal?.removeEventListener('abort', abort);
    return stream;
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'pull':
        void this.#pulled(message.id);
        break;
      case 'cancel':
        this.#cancelled(message.id, unpackError(message.error));
        break;
      case 'chunk':
        this.#received(message.id, message.chunk);
        break;
      case 'end':
        this.#over(message.id)?.controller.close();
        break;
      case 'break':
        this.#over(message.id)?.controller.error(unpackError(message.error));
        break;
    }
  }

  /** The other thread has ended. */
  close(why: Error): void {
    for (const id of [...this.#outgoing.keys()]) this.#cancelled(id, why);
    for (const id of [...this.#incoming.keys()]) this.#over(id)?.controller.error(why);
  }

  #open(id: number, bytes: boolean): ReadableStream<unknown> {
    let incoming: Incoming | undefined;
    return new ReadableStream<unknown>(
      {
        start: (controller) => {
          incoming = { controller, bytes, wanted: undefined, onOver() {} };
          this.#incoming.set(id, incoming);
        },
        pull: () =>
          new Promise<void>((resolve) => {
            if (incoming) incoming.wanted = resolve;
            this.post({ type: 'pull', id });
          }),
        cancel: (reason) => {
          this.#over(id);
          this.post({ type: 'cancel', id, error: packError(reason) });
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #pulled(id: number): Promise<void> {
    const outgoing = this.#outgoing.get(id);
    if (!outgoing) {
      const why = this.#broken.get(id) ?? new SipPushError('the stream has ended');
      this.#broken.delete(id);
      this.post({ type: 'break', id, error: packError(why) });
      return;
    }
    // A second request before the chunk is sent has no effect.
    if (outgoing.reading) return;
    outgoing.reading = true;
    try {
      const { done, value } = await outgoing.reader.read();
      outgoing.reading = false;
      if (this.#outgoing.get(id) !== outgoing) return;
      if (done) {
        this.#outgoing.delete(id);
        outgoing.onEnd();
        this.post({ type: 'end', id });
      } else {
        this.#sendChunk(id, value, outgoing.transferred);
      }
    } catch (error) {
      if (this.#outgoing.get(id) === outgoing) this.withdraw(id, error);
    }
  }

  #broke(id: number, why: unknown): void {
    this.#outgoing.delete(id);
    this.#broken.set(id, why);
    const [oldest] = this.#broken.keys();
    if (oldest !== undefined && this.#broken.size > MAX_STREAMS) this.#broken.delete(oldest);
  }

  #sendChunk(id: number, value: unknown, transferred: boolean): void {
    if (!(value instanceof Uint8Array)) {
      this.post({ type: 'chunk', id, chunk: value });
      return;
    }
    // A view would be transferred with its whole buffer.
    const whole =
      transferred && value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength;
    const buffer = whole ? (value.buffer as ArrayBuffer) : new Uint8Array(value).buffer;
    this.post({ type: 'chunk', id, chunk: new Uint8Array(buffer) }, [buffer]);
  }

  #cancelled(id: number, why: unknown): void {
    const outgoing = this.#outgoing.get(id);
    this.#outgoing.delete(id);
    outgoing?.reader.cancel(why).catch(() => {});
  }

  #received(id: number, chunk: unknown): void {
    const incoming = this.#incoming.get(id);
    const arrived = incoming?.wanted;
    // A chunk that was not requested is ignored.
    if (!incoming || !arrived) return;
    incoming.wanted = undefined;
    const problem = incoming.bytes ? problemOf(chunk) : undefined;
    if (problem) this.#break(id, problem);
    else incoming.controller.enqueue(chunk);
    arrived();
  }

  /** Ends an incoming stream with an error, for its reader and for the other thread. */
  #break(id: number, why: unknown): void {
    this.#over(id)?.controller.error(why);
    this.post({ type: 'cancel', id, error: packError(why) });
  }

  #over(id: number): Incoming | undefined {
    const incoming = this.#incoming.get(id);
    this.#incoming.delete(id);
    incoming?.onOver();
    incoming?.wanted?.();
    return incoming;
  }
}

function problemOf(chunk: unknown): Error | undefined {
  if (!(chunk instanceof Uint8Array))
    return new MalformedError('invalid chunk of the stream: expected bytes');
  if (chunk.length <= MAX_CHUNK) return undefined;
  return new LimitError(`a chunk of the stream has ${chunk.length} bytes: expected at most ${MAX_CHUNK}`);
}
