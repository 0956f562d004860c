/** A server transaction as its user sees it (RFC 3261 17.2). */

import { TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { responseFlow, type SipFlow } from '../transport/flow.js';
import { parseNameAddr } from '../values/name-addr.js';
import { buildResponse, writeMessage } from '../wire/writer.js';
import { nonInviteTryingDelay, type SipTimers, transactionTimeout } from './timers.js';

export interface RespondOptions {
  /**
   * Of a 2xx to INVITE: sends it again until its ACK comes, as a user agent has to (RFC 3261 13.3.1.4). A proxy
   * does not: it forwards each 2xx that it gets.
   */
  untilAcknowledged?: boolean;
}

export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  /** A final response was given, or it is too late for one. */
  readonly answered: boolean;
  /** It is an INVITE, and a 2xx was given. */
  readonly accepted: boolean;
  /**
   * Sends a response. Never throws: when the flow is lost the peer will ask again or give up. What must not be
   * sent is not: anything after a final response (but further 2xx to INVITE), a provisional response other than 100
   * and a 408 to a non-INVITE (RFC 4320 4).
   */
  respond(response: SipResponse, options?: RespondOptions): void;
  /** The peer cancelled an INVITE that is not answered yet. The CANCEL was answered; a 487 is now due. */
  onCancel: () => void;
  /** The ACK of a 2xx that was sent `untilAcknowledged`. An ACK of another final response ends in the transaction. */
  onAck: (ack: SipRequest) => void;
  /** A final response to INVITE was never acknowledged, or a non-INVITE was not answered in time. */
  onTimeout: (error: TimeoutError) => void;
}

/** What the state machines of both server transactions have in common (RFC 3261 17.2). */

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
  protected readonly alarm = new Timer();
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

/** The non-INVITE server transaction (RFC 3261 17.2.2, RFC 4320). */

export class NonInviteServer extends ServerMachine {
  #state: 'trying' | 'proceeding' | 'completed' = 'trying';

  get answered(): boolean {
    return this.#state === 'completed';
  }

  get accepted(): boolean {
    return false;
  }

  start(): void {
    const delay = nonInviteTryingDelay(this.timers);
    this.alarm.set(delay, () => {
      this.#state = 'proceeding';
      // Waits first: the sending may end this transaction.
      this.alarm.set(transactionTimeout(this.timers) - delay, () => this.#expire());
      this.sendTrying();
    });
  }

  respond(response: SipResponse): void {
    // RFC 4320 4.1: the 100 goes out by itself when it is due; other provisional responses are not for non-INVITE.
    if (this.answered || response.status < 200) return;
    // RFC 4320 4.2: a 408 would always come too late for a client that still waits.
    if (response.status !== 408) this.send(response);
    // Timer J.
    this.#complete(this.reliable ? 0 : transactionTimeout(this.timers));
  }

  /** Trying: nothing was sent yet that could be sent again. */
  receiveAgain(): void {
    this.sendAgain();
  }

  /** ACK belongs to INVITE. */
  receiveAck(): boolean {
    return false;
  }

  /** RFC 3261 9.2: no effect on anything but INVITE. */
  receiveCancel(): void {}

  /** RFC 4320 4.2: the peer's Timer F has fired. Its last retransmission may still be on its way (T4). */
  #expire(): void {
    this.#state = 'completed';
    this.timedOut('not answered');
    this.#complete(this.reliable ? 0 : this.timers.T4);
  }

  #complete(linger: number): void {
    this.#state = 'completed';
    if (linger === 0) {
      this.terminate();
    } else {
      this.release();
      this.alarm.set(linger, () => this.terminate());
    }
  }
}
