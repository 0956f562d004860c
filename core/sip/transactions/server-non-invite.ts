/** The non-INVITE server transaction (RFC 3261 17.2.2, RFC 4320). */

import type { SipResponse } from '../message/message.js';
import { ServerMachine } from './server-machine.js';
import { nonInviteTryingDelay, transactionTimeout } from './timers.js';

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
