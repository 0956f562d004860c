/** One of two threads that call each other: its calls, notifications and streams. */

import { LimitError, SipPushError } from '../../errors.js';
import type { ThreadPort } from '../../platform/threads.js';
import { handled, invoke } from '../../time/deadline.js';
import { MAX_CALLS } from './limits.js';
import { type Message, packError, readMessage, unpackError } from './messages.js';
import { Streams } from './streams.js';

export interface PeerHandlers {
  /** Answers a call. The caller receives its result or error. The signal is aborted when the caller aborts or ends. */
  call(name: string, args: unknown, signal: AbortSignal): unknown;
  notify(name: string, args: unknown): void;
  /** Called for an invalid message. */
  invalid(): void;
}

export interface CallOptions {
  /** Aborts the call in the other thread. */
  signal?: AbortSignal | undefined;
  /** Milliseconds after an abort in which an answer still counts. Then the call rejects with the signal's reason. */
  answerWithin?: number;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Peer {
  readonly streams: Streams;
  readonly #waiting = new Map<number, Waiting>();
  readonly #serving = new Map<number, AbortController>();
  #serial = 0;
  #closed: Error | undefined;

  constructor(
    private readonly port: ThreadPort,
    private readonly handlers: PeerHandlers,
  ) {
    this.streams = new Streams((message, transfer) => this.#post(message, transfer));
  }

  /** A new id for a call or a stream of this thread. */
  next(): number {
    return ++this.#serial;
  }

  /** Rejects with the error of the other thread, or DataCloneError if `args` cannot be cloned. */
  call(name: string, args: unknown, { signal, answerWithin = 0 }: CallOptions = {}): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = this.next();
    let cancelTimer = () => {};
    const abort = () => {
      this.#post({ type: 'abort', id, error: packError(signal?.reason) });
      const timer = setTimeout(() => this.#waiting.get(id)?.reject(signal?.reason), answerWithin);
      cancelTimer = () => clearTimeout(timer);
    };
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.port.post({ type: 'call', id, name, args } satisfies Message);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
    return handled(
      answered.finally(() => {
        this.#waiting.delete(id);
        signal?.removeEventListener('abort', abort);
        cancelTimer();
      }),
    );
  }

  /** @throws DataCloneError if `args` cannot be cloned. */
  notify(name: string, args: unknown): void {
    if (!this.#closed) this.port.post({ type: 'notify', name, args } satisfies Message);
  }

  /** Handles a value from the port. Never throws. */
  receive(received: unknown): void {
    if (this.#closed) return;
    const message = readMessage(received);
    if (!message) {
      this.handlers.invalid();
      return;
    }
    switch (message.type) {
      case 'call':
        void this.#serve(message.id, message.name, message.args);
        break;
      case 'notify':
        this.handlers.notify(message.name, message.args);
        break;
      case 'result':
        this.#waiting.get(message.id)?.resolve(message.value);
        break;
      case 'error':
        this.#waiting.get(message.id)?.reject(unpackError(message.error));
        break;
      case 'abort':
        this.#serving.get(message.id)?.abort(unpackError(message.error));
        break;
      default:
        this.streams.receive(message);
    }
  }

  /** The other thread has ended: calls to it reject, and calls from it are aborted. */
  close(why: Error): void {
    if (this.#closed) return;
    this.#closed = why;
    for (const { reject } of this.#waiting.values()) reject(why);
    for (const controller of this.#serving.values()) controller.abort(why);
    this.streams.close(why);
  }

  async #serve(id: number, name: string, args: unknown): Promise<void> {
    const controller = new AbortController();
    try {
      if (this.#serving.size >= MAX_CALLS) {
        throw new LimitError(`too many calls wait for an answer: expected at most ${MAX_CALLS}`);
      }
      if (this.#serving.has(id)) throw new SipPushError(`call ${id} is already running`);
      this.#serving.set(id, controller);
      const value = await invoke(() => this.handlers.call(name, args, controller.signal));
      if (!this.#closed) this.port.post({ type: 'result', id, value } satisfies Message);
    } catch (error) {
      this.#post({ type: 'error', id, error: packError(error) });
    } finally {
      if (this.#serving.get(id) === controller) this.#serving.delete(id);
    }
  }

  /** Posts a message that can always be cloned. */
  #post(message: Message, transfer?: readonly ArrayBuffer[]): void {
    if (!this.#closed) this.port.post(message, transfer);
  }
}
