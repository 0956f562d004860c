/**
 * Streams between two threads, in both directions: a chunk goes over when its reader asks for one, so that what is
 * under way of a stream is one chunk, however long it is.
 */

import { LimitError, MalformedError, SipPushError } from '../../errors.js';
import { MAX_CHUNK, MAX_STREAMS } from './limits.js';
import { type Message, packError, unpackError } from './messages.js';

type Post = (message: Message, transfer?: readonly ArrayBuffer[]) => void;

/** One that goes to the other thread. */
interface Outgoing {
  readonly reader: ReadableStreamDefaultReader<unknown>;
  /** Its chunks are given away, not copied. */
  readonly ours: boolean;
  reading: boolean;
  /** Before the end is told. */
  readonly onEnd: () => void;
}

/** One that comes from there. */
interface Incoming {
  readonly controller: ReadableStreamDefaultController<unknown>;
  readonly bytes: boolean;
  /** Somebody waits for a chunk; what resolves that. */
  wanted: (() => void) | undefined;
  onOver(): void;
}

export interface OutgoingOptions {
  /** Nobody else has, or uses again, the buffers of its chunks. */
  ours: boolean;
  onEnd?(): void;
}

export class Streams {
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Map<number, Incoming>();
  /** Why those ended that did so unread: their readers hear of it when they ask. */
  readonly #broken = new Map<number, unknown>();

  constructor(private readonly post: Post) {}

  /** Gives a stream to the other thread, which knows it by this number. */
  give(id: number, stream: ReadableStream<unknown>, { ours, onEnd = () => {} }: OutgoingOptions): void {
    if (this.#outgoing.size >= MAX_STREAMS || this.#outgoing.has(id)) {
      const why = new LimitError(`${MAX_STREAMS} streams are open, the most that may`);
      stream.cancel(why).catch(() => {});
      if (!this.#outgoing.has(id)) this.#brokeOff(id, why);
      return;
    }
    const outgoing = { reader: stream.getReader(), ours, reading: false, onEnd };
    this.#outgoing.set(id, outgoing);
    // Also when nobody reads it: it counts among the open ones no longer than it lasts.
    outgoing.reader.closed.catch((error: unknown) => {
      if (this.#outgoing.get(id) === outgoing && !outgoing.reading) this.#brokeOff(id, error);
    });
  }

  /** What was given is not there any longer; nothing happens when it has ended. */
  withdraw(id: number, why: unknown): void {
    if (!this.#outgoing.has(id)) return;
    this.#cancelled(id, why);
    this.post({ type: 'break', id, error: packError(why) });
  }

  /** The stream that the other thread gives, or will have given by when somebody reads it. */
  take(id: number): ReadableStream<unknown> {
    return this.#take(id, false);
  }

  /** As `take`, of bytes: whatever else comes breaks it. @param signal breaks it, too. */
  takeBytes(id: number, signal?: AbortSignal): ReadableStream<Uint8Array> {
    const stream = this.#take(id, true) as ReadableStream<Uint8Array>;
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
        this.#came(message.id, message.chunk);
        break;
      case 'end':
        this.#over(message.id)?.controller.close();
        break;
      case 'break':
        this.#over(message.id)?.controller.error(unpackError(message.error));
        break;
    }
  }

  /** The other thread is gone. */
  close(why: Error): void {
    for (const id of [...this.#outgoing.keys()]) this.#cancelled(id, why);
    for (const id of [...this.#incoming.keys()]) this.#over(id)?.controller.error(why);
  }

  #take(id: number, bytes: boolean): ReadableStream<unknown> {
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
    // One that asks again before it has got what it asked for gets it once.
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
        this.#send(id, value, outgoing.ours);
      }
    } catch (error) {
      if (this.#outgoing.get(id) === outgoing) this.withdraw(id, error);
    }
  }

  #brokeOff(id: number, why: unknown): void {
    this.#outgoing.delete(id);
    this.#broken.set(id, why);
    const [oldest] = this.#broken.keys();
    if (oldest !== undefined && this.#broken.size > MAX_STREAMS) this.#broken.delete(oldest);
  }

  #send(id: number, value: unknown, ours: boolean): void {
    if (!(value instanceof Uint8Array)) {
      this.post({ type: 'chunk', id, chunk: value });
      return;
    }
    // A part of a buffer would go over with all of it.
    const whole = ours && value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength;
    const buffer = whole ? (value.buffer as ArrayBuffer) : new Uint8Array(value).buffer;
    this.post({ type: 'chunk', id, chunk: new Uint8Array(buffer) }, [buffer]);
  }

  #cancelled(id: number, why: unknown): void {
    const outgoing = this.#outgoing.get(id);
    this.#outgoing.delete(id);
    outgoing?.reader.cancel(why).catch(() => {});
  }

  #came(id: number, chunk: unknown): void {
    const incoming = this.#incoming.get(id);
    const arrived = incoming?.wanted;
    // One that nobody asked for, or not any longer.
    if (!incoming || !arrived) return;
    incoming.wanted = undefined;
    const problem = incoming.bytes ? problemOf(chunk) : undefined;
    if (problem) this.#break(id, problem);
    else incoming.controller.enqueue(chunk);
    arrived();
  }

  /** Nothing of it is wanted any longer: its reader, and the other thread, are told why. */
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
  if (!(chunk instanceof Uint8Array)) return new MalformedError('a chunk of the stream is not bytes');
  if (chunk.length <= MAX_CHUNK) return undefined;
  return new LimitError(`a chunk of the stream has ${chunk.length} bytes; at most ${MAX_CHUNK}`);
}
