/** An INVITE or re-INVITE of ours until its answer: challenges, CANCEL, and each 2xx (RFC 3261 §9.1, §13.2, §14.1). */

import { TransportError } from '../../errors.js';
import type { Authorization } from '../authentication/authorization.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { ClientHandlers, ClientTransaction } from '../transactions/client-machine.js';
import type { SipFlow } from '../transport/flow.js';

/**
 * How long an INVITE may ring without an answer, milliseconds: the transaction itself has no limit then. A proxy waits
 * at least as long (Timer C, RFC 3261 §16.6 step 11).
 */
export const INVITE_DEADLINE = 180_000;

export interface InvitationDependencies {
  readonly authorization: Authorization;
  /** Waits for a connection. */
  flowFor(request: SipRequest, signal: AbortSignal): Promise<SipFlow>;
  transact(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction;
}

export interface InvitationHandlers {
  /**
   * Each 2xx, including retransmissions and other branches of a fork, even after `final`. It needs an ACK.
   * @param request with the credentials that it was answered for.
   */
  onAccepted(response: SipResponse, request: SipRequest): void;
  /** Each provisional response. */
  onProvisional?(response: SipResponse, request: SipRequest): void;
}

export class Invitation {
  /**
   * The first final response. Rejects with TimeoutError (none arrived, not even to a CANCEL), TransportError (the
   * connection was lost, or it was cancelled before it was sent) or LimitError (too large).
   */
  readonly final: Promise<SipResponse>;
  readonly #cancelling = new AbortController();
  #transaction: ClientTransaction | undefined;
  /** A 2xx arrived, or `final` has settled. */
  #settled = false;

  constructor(
    request: SipRequest,
    nextCSeq: () => number,
    private readonly handlers: InvitationHandlers,
    private readonly dependencies: InvitationDependencies,
  ) {
    this.final = dependencies.authorization
      .send(request, nextCSeq, (authorized) => this.#attempt(authorized))
      .finally(() => {
        this.#settled = true;
      });
  }

  /** It was cancelled before its answer. A 2xx may have crossed the CANCEL. */
  get cancelled(): boolean {
    return this.#cancelling.signal.aborted;
  }

  /** It is too late to cancel it. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Ends it before its answer: with a CANCEL after a provisional response (RFC 3261 §9.1), and `final` is a 487. */
  cancel(): void {
    if (this.#settled || this.cancelled) return;
    this.#cancelling.abort(new TransportError('the INVITE was cancelled before it was sent'));
    this.#transaction?.cancel();
  }

  async #attempt(request: SipRequest): Promise<SipResponse> {
    const { signal } = this.#cancelling;
    signal.throwIfAborted();
    const flow = await this.dependencies.flowFor(request, signal);
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      this.#transaction = this.dependencies.transact(request, flow, {
        onResponse: (response) => {
          if (response.status < 200) {
            this.handlers.onProvisional?.(response, request);
            return;
          }
          if (response.status < 300) {
            this.#settled = true;
            this.handlers.onAccepted(response, request);
          }
          resolve(response);
        },
        onFailure: reject,
      });
    });
  }
}
