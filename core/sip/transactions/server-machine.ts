/** What the state machines of both server transactions have in common (RFC 3261 17.2). */

import { TimeoutError, TransportError } from '../../errors.js';
import { Alarm } from '../../time/alarm.js';
import type { SipFlow } from '../flow.js';
import type { SipRequest, SipResponse } from '../message.js';
import { parseNameAddr } from '../name-addr.js';
import { responseFlow } from '../response-flow.js';
import { buildResponse, writeMessage } from '../writer.js';
import type { RespondOptions, ServerTransaction } from './server.js';
import { type SipTimers, transactionTimeout } from './timers.js';

/** The user's hold on a transaction: the request and the callbacks. */
class ServerUser implements ServerTransaction {
  onCancel: ServerTransaction['onCancel'] = () => {};
  onAck: ServerTransaction['onAck'] = () => {};
  onTimeout: ServerTransaction['onTimeout'] = () => {};

  constructor(
    readonly request: SipRequest,
    readonly flow: SipFlow,
    private readonly machine: ServerMachine,
  ) {}

  get answered(): boolean {
    return this.machine.answered || this.machine.terminated;
  }

  get accepted(): boolean {
    return this.machine.accepted;
  }

  respond(response: SipResponse, options: RespondOptions = {}): void {
    // When the layer was closed meanwhile, an answer would only set timers that nobody clears.
    if (!this.machine.terminated) this.machine.respond(response, options);
  }
}

export interface ServerSetup {
  request: SipRequest;
  flow: SipFlow;
  timers: SipTimers;
  /** Where a response goes when `flow` is lost: a new connection to the same peer. */
  replaceFlow(flow: SipFlow): SipFlow | undefined;
  onTerminated(): void;
  /** A 2xx to INVITE was sent whose ACK the layer shall bring to this machine. */
  expectAck(response: SipResponse, machine: ServerMachine): void;
}

export abstract class ServerMachine {
  protected readonly alarm = new Alarm();
  protected readonly timers: SipTimers;
  protected readonly reliable: boolean;
  protected readonly setup: Omit<ServerSetup, 'request' | 'flow' | 'timers'>;
  readonly #flow: SipFlow;
  #user: ServerUser | undefined;
  #last: Uint8Array | undefined;
  #to = '';
  #terminated = false;

  constructor({ request, flow, timers, ...setup }: ServerSetup) {
    this.timers = timers;
    this.reliable = flow.reliable;
    this.setup = setup;
    this.#flow = responseFlow(request, flow);
    this.#user = new ServerUser(request, flow, this);
  }

  abstract get answered(): boolean;
  abstract get accepted(): boolean;
  /** Called before the user sees the request. */
  abstract start(): void;
  abstract respond(response: SipResponse, options: RespondOptions): void;
  /** The same request came again. */
  abstract receiveAgain(): void;
  /** False for an ACK that is not this transaction's affair. */
  abstract receiveAck(ack: SipRequest): boolean;
  abstract receiveCancel(): void;

  /** Until the transaction is answered: a request of 64 KB must not be held for the 32 s that its echo may take. */
  get user(): ServerTransaction | undefined {
    return this.#user;
  }

  /** Of the last response (RFC 3261 9.2: the answer to a CANCEL has the same). */
  get localTag(): string | undefined {
    return parseNameAddr(this.#to)?.tag;
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.alarm.clear();
    this.release();
    this.setup.onTerminated();
  }

  get terminated(): boolean {
    return this.#terminated;
  }

  protected release(): void {
    this.#user = undefined;
  }

  protected send(response: SipResponse): void {
    this.#last = writeMessage(response);
    this.#to = response.headers.get('To') ?? '';
    this.sendAgain();
  }

  /** The last response, where there was one. */
  protected sendAgain(): void {
    if (!this.#last) return;
    try {
      // RFC 3261 18.2.2: a connection that is lost is replaced by a new one to the same peer.
      const flow = this.#flow.closed ? this.setup.replaceFlow(this.#flow) : undefined;
      (flow ?? this.#flow).send(this.#last);
    } catch (error) {
      // Without one, the address in the Via would be tried next. A peer behind a NAT has none that works, so we
      // wait with it for its next request; the timers end this transaction.
      if (!(error instanceof TransportError)) throw error;
    }
  }

  protected sendTrying(): void {
    if (this.#user) this.send(buildResponse(this.#user.request, 100));
  }

  protected timedOut(what: string): void {
    const user = this.#user;
    this.release();
    const seconds = transactionTimeout(this.timers) / 1000;
    user?.onTimeout(
      new TimeoutError(`${user.request.method} ${user.request.uri}: ${what} within ${seconds} s`),
    );
  }
}
