/** One branch of a forked request: a target, and other flows of the same device in case its flow fails. */

import { TimeoutError } from '../../../core/errors.js';
import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import type { ClientHandlers, ClientTransaction } from '../../../core/sip/transactions/client-machine.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import type { Target } from './target-set.js';

/** Timer C (RFC 3261 §16.6 step 11) in milliseconds: more than three minutes. */
const TIMER_C = 185_000;

export type BranchFailure = 408 | 430 | 487 | 503;

export interface BranchOwner {
  /** The copy of the request for this target, as sent on `flow`. */
  prepare(target: Target, flow: SipFlow): SipRequest;
  send(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction;
  /** Every response except 100, without our Via. One final response; of an INVITE also further 2xx. */
  onResponse(branch: Branch, response: SipResponse, target: Target, flow: SipFlow): void;
  /** Called without a final response: no answer in time, no flow to the target, or cancelled before it was sent. */
  onFailure(branch: Branch, status: BranchFailure): void;
}

export class Branch {
  readonly #remaining: Target[];
  readonly #invite: boolean;
  #client: ClientTransaction | undefined;
  #timerC: ReturnType<typeof setTimeout> | undefined;
  #cancelled = false;
  #ended = false;

  constructor(
    target: Target,
    private readonly owner: BranchOwner,
    invite: boolean,
  ) {
    this.#invite = invite;
    this.#remaining = [target, ...target.others];
  }

  start(): void {
    const target = this.#remaining.shift();
    if (!target) {
      this.#fail(430);
      return;
    }
    void this.#try(target);
  }

  /** RFC 3261 §16.10. Has no effect on a non-INVITE. */
  cancel(): void {
    this.#client?.cancel();
    this.#cancelled = this.#invite;
  }

  /** The response context has ended; nothing more is reported. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timerC);
  }

  async #try(target: Target): Promise<void> {
    try {
      const opening = target.flow();
      // Waits only for a new connection: requests must be sent in the order of their arrival.
      const flow = opening instanceof Promise ? await opening : opening;
      if (this.#ended) return;
      if (this.#cancelled) this.#fail(487);
      else this.#send(target, flow);
    } catch (error) {
      if (!this.#ended) this.#failed(target, error);
    }
  }

  #send(target: Target, flow: SipFlow): void {
    const request = this.owner.prepare(target, flow);
    if (this.#invite) this.#armTimerC();
    this.#client = this.owner.send(request, flow, {
      onResponse: (response) => this.#receive(response, target, flow),
      onFailure: (error) => this.#failed(target, error),
    });
  }

  #receive(response: SipResponse, target: Target, flow: SipFlow): void {
    // RFC 3261 §16.7 step 3: our own Via.
    response.headers.removeFirst('Via');
    if (response.status >= 200) clearTimeout(this.#timerC);
    else if (response.status > 100 && this.#invite) this.#armTimerC();
    // RFC 5626 §5.3.1: an edge proxy lost the flow to the device.
    if (response.status === 430 && this.#retry()) return;
    if (response.status > 100) this.owner.onResponse(this, response, target, flow);
  }

  #failed(target: Target, error: unknown): void {
    if (error instanceof TimeoutError) this.#fail(408);
    // An unreachable device counts as not registered; another next hop as broken (RFC 3261 §16.9).
    else if (!this.#retry()) this.#fail(target.account ? 430 : 503);
  }

  #retry(): boolean {
    if (this.#cancelled || this.#ended || this.#remaining.length === 0) return false;
    this.start();
    return true;
  }

  #fail(status: BranchFailure): void {
    clearTimeout(this.#timerC);
    if (!this.#ended) this.owner.onFailure(this, status);
  }

  #armTimerC(): void {
    clearTimeout(this.#timerC);
    // RFC 3261 §16.8: the cancelled INVITE ends with a 487, or by the timer of its transaction.
    this.#timerC = setTimeout(() => this.#client?.cancel(), TIMER_C);
  }
}
