/** Client transactions (RFC 3261 §17.1): their interface and the common part of their state machines. */

import { TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { writeMessage } from '../message/writer.js';
import type { SipFlow } from '../transport/flow.js';
import type { SipTimers } from './timers.js';

/** A client transaction as the sender of its request sees it. */
export interface ClientTransaction {
  /** The request as sent, with our Via on top. */
  readonly request: SipRequest;
  readonly branch: string;
  /**
   * Cancels an INVITE (RFC 3261 §9.1): the CANCEL is sent after a provisional response, and never after a final one. Has
   * no effect on other requests.
   * @param headers of the CANCEL, e.g. Reason.
   */
  cancel(headers?: Iterable<readonly [name: string, value: string]>): void;
  /**
   * Stops all callbacks. A non-INVITE is no longer retransmitted. The transaction of an INVITE continues, because the
   * final response needs its ACK.
   */
  abandon(): void;
}

export interface ClientHandlers {
  /**
   * Called for every provisional response and for the final one; of an INVITE for each 2xx, including retransmissions,
   * because the sender acknowledges them.
   */
  onResponse(response: SipResponse): void;
  /** Called once if there is no final response, and never during `send`. */
  onFailure(error: TimeoutError | TransportError): void;
}

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
  protected readonly timer = new Timer();
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
  /** There is no final response yet. */
  protected abstract get pending(): boolean;

  /** Ends the transaction, and reports the error if there was no final response. */
  fail(error: TimeoutError | TransportError): void {
    if (this.#terminated) return;
    const { handlers, pending } = this;
    this.terminate();
    if (pending) handlers.onFailure(error);
  }

  /** Ends the transaction without a callback. */
  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.mute();
    this.timer.clear();
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
      // Later, because the caller of `send` does not have the transaction yet.
      queueMicrotask(() => this.fail(error));
    }
  }

  protected timedOut(): void {
    const { method, uri } = this.request;
    const seconds = this.setup.timers.timeout / 1000;
    this.fail(new TimeoutError(`no final response to ${method} ${uri} within ${seconds} s`));
  }
}
