/** The INVITE server transaction (RFC 3261 17.2.1, as changed by RFC 6026). */

import type { SipRequest, SipResponse } from '../message/message.js';
import { type RespondOptions, ServerMachine } from './server-machine.js';
import { INVITE_TRYING_DELAY, Retransmission, transactionTimeout } from './timers.js';

export class InviteServer extends ServerMachine {
  #state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' = 'proceeding';
  #awaits: 'nothing' | 'ack' | 'more acks' = 'nothing';

  get answered(): boolean {
    return this.#state !== 'proceeding';
  }

  get accepted(): boolean {
    return this.#state === 'accepted';
  }

  start(): void {
    this.alarm.set(INVITE_TRYING_DELAY, () => this.sendTrying());
  }

  respond(response: SipResponse, options: RespondOptions): void {
    const accepts = response.status >= 200 && response.status < 300;
    // RFC 6026 7.1: a proxy hands over the 2xx of every branch.
    if (this.#state === 'accepted' && accepts && !this.terminated) this.send(response);
    if (this.answered) return;
    if (response.status < 200) {
      this.alarm.clear();
      this.send(response);
    } else if (accepts) {
      this.#accept(response, options.untilAcknowledged ?? false);
    } else {
      this.#complete(response);
    }
  }

  receiveAgain(): void {
    // Accepted and Confirmed: absorbed.
    if (this.#state === 'proceeding' || this.#state === 'completed') this.sendAgain();
  }

  receiveAck(ack: SipRequest): boolean {
    if (this.#state === 'accepted') return this.#receiveAckOf2xx(ack);
    if (this.#state === 'completed') {
      this.#state = 'confirmed';
      this.release();
      // Timer I.
      if (this.reliable) this.terminate();
      else this.alarm.set(this.timers.T4, () => this.terminate());
    }
    return true;
  }

  receiveCancel(): void {
    if (this.#state === 'proceeding') this.user?.onCancel();
  }

  #receiveAckOf2xx(ack: SipRequest): boolean {
    if (this.#awaits === 'nothing') return false;
    // An ACK that answers a 2xx sent again says nothing new.
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
    // RFC 3261 13.3.1.4: over a reliable transport too, since a hop further on may have lost it.
    this.#retransmit(this.timers.T1, 'the 2xx was not acknowledged');
    this.send(response);
  }

  /** Timer L: the INVITE may come again while its 2xx travels. */
  #linger(): void {
    this.release();
    this.alarm.set(transactionTimeout(this.timers), () => this.terminate());
  }

  /** Timers G and H. */
  #complete(response: SipResponse): void {
    this.#state = 'completed';
    this.#retransmit(this.reliable ? undefined : this.timers.T1, 'the final response was not acknowledged');
    this.send(response);
  }

  #retransmit(interval: number | undefined, failure: string): void {
    new Retransmission(this.alarm, {
      deadline: transactionTimeout(this.timers),
      interval,
      next: (last) => Math.min(2 * last, this.timers.T2),
      retransmit: () => this.sendAgain(),
      expire: () => {
        this.timedOut(failure);
        this.terminate();
      },
    });
  }
}
