/** Calls between two threads: each end serves the other's, and has streams. */

import { LimitError, SipPushError } from '../../errors.js';
import type { ThreadPort } from '../../platform/threads.js';
import { handled, invoke } from '../../time/deadline.js';
import { MAX_CALLS } from './limits.js';
import { type Message, packError, readMessage, unpackError } from './messages.js';
import { Streams } from './streams.js';

export interface PeerHandlers {
  /** Answers a call; what it throws goes back. The signal is aborted when the caller has lost interest, or is gone. */
  call(name: string, args: unknown, signal: AbortSignal): unknown;
  tell(name: string, args: unknown): void;
  /** Something that is no message came. */
  stray(): void;
}

export interface CallOptions {
  /** Tells the other end when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Milliseconds after that until the call rejects with the signal's reason, unless an answer comes. */
  patience?: number;
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

  /** A number that no call or stream of this end has had. */
  next(): number {
    return ++this.#serial;
  }

  /** Rejects with what the other end threw; with DataCloneError when `args` cannot cross. */
  call(name: string, args: unknown, { signal, patience = 0 }: CallOptions = {}): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = this.next();
    let cancelPatience = () => {};
    const abort = () => {
      this.#post({ type: 'abort', id, error: packError(signal?.reason) });
      const timer = setTimeout(() => this.#waiting.get(id)?.reject(signal?.reason), patience);
      cancelPatience = () => clearTimeout(timer);
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
        cancelPatience();
      }),
    );
  }

  /** @throws DataCloneError when `args` cannot cross. */
  tell(name: string, args: unknown): void {
    if (!this.#closed) this.port.post({ type: 'tell', name, args } satisfies Message);
  }

  /** Of the port, whatever it is. Never throws. */
  receive(received: unknown): void {
    if (this.#closed) return;
    const message = readMessage(received);
    if (!message) {
      this.handlers.stray();
      return;
    }
    switch (message.type) {
      case 'call':
        void this.#serve(message.id, message.name, message.args);
        break;
      case 'tell':
        this.handlers.tell(message.name, message.args);
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

  /** The other end is gone: whatever waits for it rejects, whatever works for it is aborted. */
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
        throw new LimitError(`${MAX_CALLS} calls wait for an answer, the most that may`);
      }
      if (this.#serving.has(id)) throw new SipPushError(`call ${id} is under way`);
      this.#serving.set(id, controller);
      const value = await invoke(() => this.handlers.call(name, args, controller.signal));
      if (!this.#closed) this.port.post({ type: 'result', id, value } satisfies Message);
    } catch (error) {
      this.#post({ type: 'error', id, error: packError(error) });
    } finally {
      if (this.#serving.get(id) === controller) this.#serving.delete(id);
    }
  }

  /** Of messages that can always cross. */
  #post(message: Message, transfer?: readonly ArrayBuffer[]): void {
    if (!this.#closed) this.port.post(message, transfer);
  }
}
