/** A client transaction as its user sees it (RFC 3261 17.1). */

import { TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { SipFlow } from '../transport/flow.js';
import { writeMessage } from '../wire/writer.js';
import { type SipTimers, transactionTimeout } from './timers.js';

export interface ClientTransaction {
  /** As it was sent, with our Via on top. */
  readonly request: SipRequest;
  readonly branch: string;
  /**
   * Cancels an INVITE (RFC 3261 9.1): the CANCEL leaves when a provisional response has come, and never after a
   * final one. Of any other request: nothing happens.
   * @param headers for the CANCEL, e.g. Reason.
   */
  cancel(headers?: Iterable<readonly [name: string, value: string]>): void;
  /**
   * No more callbacks. A non-INVITE is not retransmitted any more; an INVITE goes on to its end, since the
   * final response needs its ACK.
   */
  abandon(): void;
}

export interface ClientHandlers {
  /**
   * Every provisional response, and the final one; for an INVITE each 2xx, retransmitted ones too, since the
   * user acknowledges them.
   */
  onResponse(response: SipResponse): void;
  /** Instead of a final response. Called once, never from within `send`. */
  onFailure(error: TimeoutError | TransportError): void;
}

/** What the state machines of both client transactions have in common (RFC 3261 17.1). */

export interface ClientSetup {
  /** With our Via on top. */
  request: SipRequest;
  branch: string;
  flow: SipFlow;
  timers: SipTimers;
  handlers: ClientHandlers;
  onTerminated(): void;
  /** Starts the transaction of a CANCEL. */
  sendCancel(cancel: SipRequest): void;
}

const NO_HANDLERS: ClientHandlers = { onResponse() {}, onFailure() {} };

export abstract class ClientMachine implements ClientTransaction {
  protected readonly alarm = new Timer();
  protected handlers: ClientHandlers;
  readonly #bytes: Uint8Array;
  #terminated = false;

  constructor(protected readonly setup: ClientSetup) {
    this.handlers = setup.handlers;
    this.#bytes = writeMessage(setup.request);
  }

  get request(): SipRequest {
    return this.setup.request;
  }

  get branch(): string {
    return this.setup.branch;
  }

  /** Sends the request for the first time. */
  abstract start(): void;
  abstract receive(response: SipResponse): void;
  abstract cancel(headers?: Iterable<readonly [name: string, value: string]>): void;
  abstract abandon(): void;
  /** No final response has come yet. */
  protected abstract get pending(): boolean;

  /** The transaction ends without a final response. After one there is nobody to tell. */
  fail(error: TimeoutError | TransportError): void {
    if (this.#terminated) return;
    const { handlers, pending } = this;
    this.terminate();
    if (pending) handlers.onFailure(error);
  }

  /** Ends at once, with no callback. */
  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.mute();
    this.alarm.clear();
    this.setup.onTerminated();
  }

  protected mute(): void {
    this.handlers = NO_HANDLERS;
  }

  protected transmit(bytes = this.#bytes): void {
    try {
      this.setup.flow.send(bytes);
    } catch (cause) {
      const error = cause instanceof TransportError ? cause : new TransportError(String(cause), { cause });
      // Not at once: whoever called `send` does not have the transaction yet.
      queueMicrotask(() => this.fail(error));
    }
  }

  protected timedOut(): void {
    const { method, uri } = this.request;
    const seconds = transactionTimeout(this.setup.timers) / 1000;
    this.fail(new TimeoutError(`no final response to ${method} ${uri} within ${seconds} s`));
  }
}
