/** The non-INVITE client transaction (RFC 3261 §17.1.2). */

import type { SipResponse } from '../message/message.js';
import { ClientMachine } from './client-machine.js';
import { Retransmission } from './timers.js';

export class NonInviteClient extends ClientMachine {
  #state: 'trying' | 'proceeding' | 'completed' = 'trying';

  start(): void {
    const { flow, timers } = this.setup;
    new Retransmission(this.timer, {
      // Timer F (RFC 3261 §17.1.2.2).
      deadline: timers.timeout,
      // Timer E (RFC 3261 §17.1.2.2).
      interval: flow.reliable ? undefined : timers.T1,
      next: (interval) => (this.#state === 'proceeding' ? timers.T2 : Math.min(2 * interval, timers.T2)),
      retransmit: () => this.transmit(),
      expire: () => this.timedOut(),
    });
    this.transmit();
  }

  receive(response: SipResponse): void {
    // A retransmitted final response is absorbed.
    if (!this.pending) return;
    const { handlers } = this;
    if (response.status < 200) this.#state = 'proceeding';
    else this.#complete();
    handlers.onResponse(response);
  }

  /** RFC 3261 §9.1: only an INVITE can be cancelled. */
  cancel(): void {}

  abandon(): void {
    this.terminate();
  }

  protected get pending(): boolean {
    return this.#state !== 'completed';
  }

  #complete(): void {
    const { flow, timers } = this.setup;
    this.#state = 'completed';
    // Timer K (RFC 3261 §17.1.2.2).
    if (flow.reliable) this.terminate();
    else this.timer.set(timers.T4, () => this.terminate());
  }
}
