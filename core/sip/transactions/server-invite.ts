/** The INVITE server transaction (RFC 3261 §17.2.1, as changed by RFC 6026). */

import type { SipRequest, SipResponse } from '../message/message.js';
import { type RespondOptions, ServerMachine } from './server-machine.js';
import { Retransmission } from './timers.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class InviteServer extends ServerMachine {
  #state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' = 'proceeding';
  #awaits: 'nothing' | 'ack' | 'more acks' = 'nothing';
  #localTag: string | undefined;

  get answered(): boolean {
    return this.#state !== 'proceeding';
  }

  get accepted(): boolean {
    return this.#state === 'accepted';
  }

  override get localTag(): string | undefined {
    return this.#localTag;
  }

  start(): void {
    this.timer.set(this.timers.inviteTrying, () => this.sendTrying());
  }

  respond(response: SipResponse, options: RespondOptions): void {
    const accepts = response.status >= 200 && response.status < 300;
    // RFC 6026 §7.1: a proxy forwards the 2xx of every branch.
    if (this.#state === 'accepted' && accepts && !this.terminated) this.send(response);
    if (this.answered) return;
    if (response.status < 200) {
      this.timer.clear();
      this.send(response);
    } else if (accepts) {
      this.#accept(response, options.untilAcknowledged ?? false);
    } else {
      this.#complete(response);
    }
  }

  /** Absorbed in the states Accepted and Confirmed. */
  receiveRetransmission(): void {
    if (this.#state === 'proceeding' || this.#state === 'completed') this.retransmit();
  }

  receiveAck(ack: SipRequest): boolean {
    if (this.#state === 'accepted') return this.#receiveAckOf2xx(ack);
    if (this.#state === 'completed') {
      this.#state = 'confirmed';
      this.release();
      // Timer I (RFC 3261 §17.2.1).
      if (this.reliable) this.terminate();
      else this.timer.set(this.timers.T4, () => this.terminate());
    }
    return true;
  }

  receiveCancel(): void {
    if (this.#state === 'proceeding') this.user?.onCancel();
  }

  protected override send(response: SipResponse): void {
    const { tag } = response.headers.to ?? {};
    // A copy: a part of a string keeps the whole string in memory, here the headers of the request.
    this.#localTag = tag === undefined ? undefined : decoder.decode(encoder.encode(tag));
    super.send(response);
  }

  #receiveAckOf2xx(ack: SipRequest): boolean {
    if (this.#awaits === 'nothing') return false;
    // The ACK of a retransmitted 2xx is absorbed.
    if (this.#awaits === 'ack') {
      this.#awaits = 'more acks';
      const { user } = this;
      this.#linger();
      user?.onAck(ack);
    }
    return true;
  }

  #accept(response: SipResponse, untilAcknowledged: boolean): void {
    this.#state = 'accepted';
    if (!untilAcknowledged) {
      this.#linger();
      this.send(response);
      return;
    }
    this.#awaits = 'ack';
    this.setup.expectAck(response, this);
    // RFC 3261 §13.3.1.4: over a reliable transport too, because a later hop can lose it.
    this.#retransmitUntilAck(this.timers.T1, 'the 2xx was not acknowledged');
    this.send(response);
  }

  /** Timer L (RFC 6026 §7.1): the INVITE can arrive again while its 2xx is on the way. */
  #linger(): void {
    this.release();
    this.timer.set(this.timers.timeout, () => this.terminate());
  }

  #complete(response: SipResponse): void {
    this.#state = 'completed';
    // Only the user agent waits, for the ACK of a 2xx.
    this.setup.onFinished(this);
    this.#retransmitUntilAck(
      this.reliable ? undefined : this.timers.T1,
      'the final response was not acknowledged',
    );
    this.send(response);
  }

  /** Until Timer H fires. A 2xx is retransmitted at the same intervals (RFC 3261 §13.3.1.4). */
  #retransmitUntilAck(interval: number | undefined, problem: string): void {
    new Retransmission(this.timer, {
      // Timer H (RFC 3261 §17.2.1).
      deadline: this.timers.timeout,
      // Timer G (RFC 3261 §17.2.1).
      interval,
      next: (last) => Math.min(2 * last, this.timers.T2),
      retransmit: () => this.retransmit(),
      expire: () => {
        this.timedOut(problem);
        this.terminate();
      },
    });
  }
}
