/** The response context of a request (RFC 3261 §16.7): its branches, and the response that is forwarded. */

import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import type { ClientHandlers, ClientTransaction } from '../../../core/sip/transactions/client-machine.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { bestResponse } from './best-response.js';
import { Branch, type BranchFailure, type BranchOwner } from './branch.js';
import type { Target } from './target-set.js';

/**
 * Milliseconds that a non-INVITE waits for its branches before the best response so far is forwarded. The caller waits
 * 32 s (Timer F), and an agent needs at most 16 s to answer a push.
 */
export const NON_INVITE_DEADLINE = 24_000;

export interface ForkOptions {
  prepare(target: Target, flow: SipFlow, breadth: number): SipRequest;
  send(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction;
  /** Adapts a response of a device for the caller. */
  finish(response: SipResponse, target: Target, flow: SipFlow): void;
  onEnded(): unknown;
}

export class Fork implements BranchOwner {
  readonly #groups: (readonly Target[])[];
  readonly #pending = new Set<Branch>();
  readonly #finals: SipResponse[] = [];
  readonly #invite: boolean;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #breadth = 1;
  #decided = false;

  constructor(
    private readonly transaction: ServerTransaction,
    groups: readonly (readonly Target[])[],
    private readonly options: ForkOptions,
  ) {
    this.#groups = [...groups];
    this.#invite = transaction.request.method === 'INVITE';
    transaction.onCancel = () => this.#cancelled();
    transaction.onTimeout = () => this.end();
  }

  start(): void {
    if (!this.#invite) this.#deadline = setTimeout(() => this.#answer(), NON_INVITE_DEADLINE);
    // RFC 3261 §16.2: the caller does not need to retransmit while devices ring.
    else this.transaction.respond(buildResponse(this.transaction.request, 100));
    this.#next();
  }

  prepare(target: Target, flow: SipFlow): SipRequest {
    return this.options.prepare(target, flow, this.#breadth);
  }

  send(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction {
    return this.options.send(request, flow, handlers);
  }

  onResponse(branch: Branch, response: SipResponse, target: Target, flow: SipFlow): void {
    const { status } = response;
    if (status >= 200) this.#pending.delete(branch);
    if (status < 300) {
      this.#forward(response, target, flow);
      return;
    }
    if (this.#decided) return;
    this.options.finish(response, target, flow);
    this.#finals.push(response);
    // RFC 3261 §16.7 step 5: the user refuses on all devices. Pending branches can still return a 2xx.
    if (status >= 600) this.#stopSearching();
    this.#next();
  }

  onFailure(branch: Branch, status: BranchFailure): void {
    this.#pending.delete(branch);
    if (this.#decided) return;
    this.#finals.push(buildResponse(this.transaction.request, status));
    this.#next();
  }

  /** Forwards provisional responses to an INVITE, and any 2xx, at once (RFC 3261 §16.7 step 5). */
  #forward(response: SipResponse, target: Target, flow: SipFlow): void {
    const success = response.status >= 200;
    if (success ? this.#decided && !this.#invite : this.#decided || !this.#invite) return;
    this.options.finish(response, target, flow);
    this.transaction.respond(response);
    if (!success || this.#decided) return;
    this.#stopSearching();
    this.#decide();
  }

  /** Starts the next group after all branches of this one have ended; after the last group, sends the response. */
  #next(): void {
    if (this.#decided || this.#pending.size > 0) return;
    const group = this.#groups.shift();
    if (!group) {
      this.#answer();
      return;
    }
    this.#breadth = group.length;
    const branches = group.map((target) => new Branch(target, this, this.#invite));
    for (const branch of branches) this.#pending.add(branch);
    for (const branch of branches) branch.start();
  }

  #cancelled(): void {
    this.#stopSearching();
    if (this.#pending.size === 0 && !this.#decided) {
      this.#finals.push(buildResponse(this.transaction.request, 487));
      this.#answer();
    }
  }

  #stopSearching(): void {
    this.#groups.length = 0;
    for (const branch of this.#pending) branch.cancel();
  }

  #answer(): void {
    if (this.#decided) return;
    const { request } = this.transaction;
    this.transaction.respond(bestResponse(request, this.#finals));
    this.#decide();
  }

  /** The caller has a final response. Branches of an INVITE can still return a 2xx, which is also forwarded. */
  #decide(): void {
    this.#decided = true;
    clearTimeout(this.#deadline);
    this.options.onEnded();
    if (!this.#invite) this.end();
  }

  /** Ends all branches without further messages. */
  end(): void {
    if (!this.#decided) this.options.onEnded();
    this.#decided = true;
    clearTimeout(this.#deadline);
    for (const branch of this.#pending) branch.end();
    this.#pending.clear();
  }
}
