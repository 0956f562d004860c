/** Server transactions (RFC 3261 §17.2): their interface, their common part, and the transaction of a non-INVITE. */

import { TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { buildResponse, writeMessage } from '../message/writer.js';
import { responseFlow, type SipFlow } from '../transport/flow.js';
import type { SipTimers } from './timers.js';

export interface RespondOptions {
  /**
   * Of a 2xx to INVITE: retransmits it until its ACK arrives, as a user agent must (RFC 3261 §13.3.1.4). A proxy does
   * not: it forwards each 2xx that it receives.
   */
  untilAcknowledged?: boolean;
}

/** A server transaction as the handler of its request sees it. */
export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  /** It has a final response, or has ended without one. */
  readonly answered: boolean;
  /** It is an INVITE with a 2xx. */
  readonly accepted: boolean;
  /**
   * Sends a response. Never throws: if the flow is lost, the peer retransmits or gives up. Responses that must not be
   * sent are dropped: any after a final response, except a further 2xx to INVITE; to a non-INVITE, a 408 and provisional
   * responses other than 100 (RFC 4320 §4).
   */
  respond(response: SipResponse, options?: RespondOptions): void;
  /** The peer cancelled an INVITE that is not answered yet. The CANCEL is answered; the INVITE needs a 487. */
  onCancel: () => void;
  /** The ACK of a 2xx that was sent `untilAcknowledged`. The transaction absorbs the ACK of another final response. */
  onAck: (ack: SipRequest) => void;
  /** A final response to INVITE was not acknowledged, or a non-INVITE was not answered in time. */
  onTimeout: (error: TimeoutError) => void;
}

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
    // After the layer is closed, a response would start timers that are never cleared.
    if (!this.machine.terminated) this.machine.respond(response, options);
  }
}

export interface ServerSetup {
  request: SipRequest;
  flow: SipFlow;
  timers: SipTimers;
  /** The flow for responses if `flow` is lost: a new connection to the same peer. */
  replaceFlow(flow: SipFlow): SipFlow | undefined;
  onTerminated(machine: ServerMachine): void;
  /** From now on, the transaction only absorbs retransmissions, so that it may end early. Called once or twice. */
  onFinished(machine: ServerMachine): void;
  /** The memory of the transaction changed by these bytes. */
  onSize(change: number): void;
  /** A 2xx to INVITE was sent: the layer passes its ACK to this machine. */
  expectAck(response: SipResponse, machine: ServerMachine): void;
}

/** Memory of a transaction in bytes, in addition to its request and its last response. */
const TRANSACTION_COST = 1024;

/** Memory of a request in bytes. */
export function sizeOf({ uri, headers, body }: SipRequest): number {
  let size = uri.length + body.length;
  for (const [name, value] of headers.entries()) size += name.length + value.length;
  return size;
}

export abstract class ServerMachine {
  protected readonly timer = new Timer();
  protected readonly timers: SipTimers;
  protected readonly reliable: boolean;
  protected readonly setup: Omit<ServerSetup, 'request' | 'flow' | 'timers'>;
  readonly #flow: SipFlow;
  #user: ServerUser | undefined;
  readonly #requestSize: number;
  #lastResponse: Uint8Array | undefined;
  #size = 0;
  #terminated = false;

  constructor({ request, flow, timers, ...setup }: ServerSetup) {
    this.timers = timers;
    this.reliable = flow.reliable;
    this.setup = setup;
    this.#flow = responseFlow(request, flow);
    this.#user = new ServerUser(request, flow, this);
    this.#requestSize = sizeOf(request);
    this.#measure();
  }

  abstract get answered(): boolean;
  abstract get accepted(): boolean;
  /** Called before the request is delivered. */
  abstract start(): void;
  abstract respond(response: SipResponse, options: RespondOptions): void;
  abstract receiveRetransmission(): void;
  /** False for an ACK that does not belong to this transaction. */
  abstract receiveAck(ack: SipRequest): boolean;
  abstract receiveCancel(): void;

  /** Undefined after the final response: a request must not stay in memory for the 32 s of Timer J. */
  get user(): ServerTransaction | undefined {
    return this.#user;
  }

  /** To tag of the last response to an INVITE; the answer to a CANCEL has the same one (RFC 3261 §9.2). */
  get localTag(): string | undefined {
    return undefined;
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.timer.clear();
    this.release();
    this.setup.onTerminated(this);
  }

  get terminated(): boolean {
    return this.#terminated;
  }

  protected release(): void {
    this.#user = undefined;
    this.#measure();
    if (!this.#terminated) this.setup.onFinished(this);
  }

  protected send(response: SipResponse): void {
    this.#lastResponse = writeMessage(response);
    this.#measure();
    this.retransmit();
  }

  #measure(): void {
    const request = this.#user ? this.#requestSize : 0;
    const size = this.#terminated ? 0 : TRANSACTION_COST + request + (this.#lastResponse?.length ?? 0);
    const change = size - this.#size;
    this.#size = size;
    this.setup.onSize(change);
  }

  /** Sends the last response again, if there is one. */
  protected retransmit(): void {
    if (!this.#lastResponse) return;
    try {
      // RFC 3261 §18.2.2: a new connection to the same peer replaces a lost one.
      const flow = this.#flow.closed ? this.setup.replaceFlow(this.#flow) : undefined;
      (flow ?? this.#flow).send(this.#lastResponse);
    } catch (error) {
      // RFC 3261 would try the address in the Via next, which does not work for a peer behind a NAT. The response waits
      // for the next retransmission of the request; the timers end this transaction.
      if (!(error instanceof TransportError)) throw error;
    }
  }

  protected sendTrying(): void {
    if (this.#user) this.send(buildResponse(this.#user.request, 100));
  }

  /** @param problem what did not happen in time, e.g. "not answered". */
  protected timedOut(problem: string): void {
    const user = this.#user;
    this.release();
    const seconds = this.timers.timeout / 1000;
    user?.onTimeout(
      new TimeoutError(`${user.request.method} ${user.request.uri}: ${problem} within ${seconds} s`),
    );
  }
}

/** The non-INVITE server transaction (RFC 3261 §17.2.2, RFC 4320). */
export class NonInviteServer extends ServerMachine {
  #state: 'trying' | 'proceeding' | 'completed' = 'trying';

  get answered(): boolean {
    return this.#state === 'completed';
  }

  get accepted(): boolean {
    return false;
  }

  start(): void {
    const { nonInviteTrying, timeout } = this.timers;
    this.timer.set(nonInviteTrying, () => {
      this.#state = 'proceeding';
      // Before sending, which can end this transaction.
      this.timer.set(timeout - nonInviteTrying, () => this.#expire());
      this.sendTrying();
    });
  }

  respond(response: SipResponse): void {
    // RFC 4320 §4.1: the timer sends the 100; other provisional responses are not for a non-INVITE.
    if (this.answered || response.status < 200) return;
    // RFC 4320 §4.2: a 408 always arrives too late for the client.
    if (response.status !== 408) this.send(response);
    // Timer J (RFC 3261 §17.2.2).
    this.#complete(this.reliable ? 0 : this.timers.timeout);
  }

  /** In the state Trying there is no response to retransmit. */
  receiveRetransmission(): void {
    this.retransmit();
  }

  /** An ACK belongs to an INVITE. */
  receiveAck(): boolean {
    return false;
  }

  /** RFC 3261 §9.2: a CANCEL has no effect on a non-INVITE. */
  receiveCancel(): void {}

  /** RFC 4320 §4.2: the peer's Timer F has fired. Its last retransmission can arrive within T4. */
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
      this.timer.set(linger, () => this.terminate());
    }
  }
}
