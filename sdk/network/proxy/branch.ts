/** One branch of a forked request: a target, and the other flows of the same device should its flow fail. */

import { TimeoutError } from '../../../core/errors.js';
import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import type { ClientHandlers, ClientTransaction } from '../../../core/sip/transactions/client-machine.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import type { Target } from './target-set.js';

/** RFC 3261 16.6 step 11: more than three minutes that an INVITE may ring. */
const TIMER_C = 185_000;

export type BranchFailure = 408 | 430 | 487 | 503;

export interface BranchOwner {
  /** The request for this target: the copy that travels on `flow`. */
  prepare(target: Target, flow: SipFlow): SipRequest;
  send(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction;
  /** Every response but 100, our Via taken off. A final one comes once, but for further 2xx to INVITE. */
  onResponse(branch: Branch, response: SipResponse, target: Target, flow: SipFlow): void;
  /** Instead of a final response: nobody answered in time, there is no way to the target, or it was cancelled early. */
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

  /** RFC 3261 16.10. Of a request that is no INVITE: nothing happens. */
  cancel(): void {
    this.#client?.cancel();
    this.#cancelled = this.#invite;
  }

  /** The context has ended; nothing more is told. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timerC);
  }

  async #try(target: Target): Promise<void> {
    try {
      const opening = target.flow();
      // Only what needs a new connection waits: requests must leave in the order in which they came.
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
    // RFC 3261 16.7 step 3: our own Via.
    response.headers.removeFirst('Via');
    if (response.status >= 200) clearTimeout(this.#timerC);
    else if (response.status > 100 && this.#invite) this.#armTimerC();
    // RFC 5626 5.3.1: an edge proxy lost the device.
    if (response.status === 430 && this.#retry()) return;
    if (response.status > 100) this.owner.onResponse(this, response, target, flow);
  }

  #failed(target: Target, error: unknown): void {
    if (error instanceof TimeoutError) this.#fail(408);
    // A device that cannot be reached is as good as not registered; another hop is a broken one (RFC 3261 16.9).
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
    // RFC 3261 16.8: cancelled, it ends with a 487, or by the timer of the cancelled transaction.
    this.#timerC = setTimeout(() => this.#client?.cancel(), TIMER_C);
  }
}
