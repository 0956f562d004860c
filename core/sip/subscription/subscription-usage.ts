/** One dialog of a subscriber (RFC 6665 §4.1): its SUBSCRIBEs, and the NOTIFYs that belong to it. */

import { platform } from '#platform';
import type { SipRequest, SipResponse } from '../message/message.js';
import { Dialog } from '../session/dialog.js';
import { type NotifiedState, parseSubscriptionState } from './subscription-state.js';

export interface SubscribeOptions {
  /** Request-URI: the user whose state is reported. */
  readonly uri: string;
  /** URI of To. Default: the Request-URI. */
  readonly to?: string;
  /** Event package, `reg`. */
  readonly event: string;
  /** Media types of NOTIFY bodies. */
  readonly accept: readonly string[];
  /** Requested duration, seconds. */
  readonly expires: number;
  /** Headers of every SUBSCRIBE, e.g. P-Preferred-Identity. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** The parts of its agent that a subscription needs. */
export interface SubscriptionDependencies {
  /** Composes a SUBSCRIBE outside of dialogs, when the agent can send it. @throws TransportError */
  compose(uri: string, to: string | undefined, cseq: number, tag: string): Promise<SipRequest>;
  /** Sends a SUBSCRIBE in its turn, with our Contact at that time, and returns the final response. */
  send(request: SipRequest, nextCSeq: () => number): Promise<SipResponse>;
  /** Values of our Allow and User-Agent. */
  allow(): string;
  readonly product: string;
}

export type NotifyResult =
  | { readonly refusal: number; readonly headers?: readonly [string, string][] }
  | { readonly state: NotifiedState };

export class SubscriptionUsage {
  readonly callId = platform.randomHex(16);
  readonly tag = platform.randomHex(8);
  #cseq = 0;
  #dialog: Dialog | undefined;

  constructor(
    private readonly options: SubscribeOptions,
    private readonly dependencies: SubscriptionDependencies,
  ) {}

  /** A NOTIFY has arrived: the subscription can be refreshed, and ended. */
  get established(): boolean {
    return this.#dialog !== undefined;
  }

  /** @param expires requested duration, seconds; 0 ends the subscription. */
  async send(expires: number): Promise<SipResponse> {
    const dialog = this.#dialog;
    const { uri, to, event, accept, headers = [] } = this.options;
    const request = dialog
      ? dialog.request('SUBSCRIBE')
      : await this.dependencies.compose(uri, to, ++this.#cseq, this.tag);
    request.headers
      .set('Call-ID', this.callId)
      .set('User-Agent', this.dependencies.product)
      .set('Event', event)
      .set('Accept', accept.join(', '))
      .set('Expires', String(expires))
      .set('Allow', this.dependencies.allow());
    for (const [name, value] of headers) request.headers.append(name, value);
    return await this.dependencies.send(request, () => dialog?.nextCSeq() ?? ++this.#cseq);
  }

  /** Records a NOTIFY with our Call-ID and tag, or returns how to refuse it. */
  receive(request: SipRequest): NotifyResult {
    const { headers } = request;
    const [event = ''] = (headers.get('Event') ?? '').split(';', 1);
    if (event.trim().toLowerCase() !== this.options.event.toLowerCase()) return { refusal: 481 };
    const state = parseSubscriptionState(headers.get('Subscription-State'));
    const dialog = this.#dialog ?? Dialog.ofNotify(request, this.#cseq);
    // RFC 3261 §12.1.1: without a Contact the subscription could not be refreshed.
    if (!state || dialog.remoteTarget === '') return { refusal: 400 };
    // RFC 3680 §4.9: one subscription, even if the SUBSCRIBE was forked; a 481 ends the others.
    if (dialog.remoteTag !== (headers.from?.tag ?? '')) return { refusal: 481 };
    if (!dialog.receive(request)) return { refusal: 500 };
    this.#dialog = dialog;
    dialog.refreshTarget(request);
    const { accept } = this.options;
    const type = headers.get('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase();
    if (request.body.length > 0 && !accept.some((each) => each.toLowerCase() === type)) {
      return { refusal: 415, headers: [['Accept', accept.join(', ')]] };
    }
    return { state };
  }

  /** RFC 6665 §4.4.1: the 2xx of a refresh can have another Contact. */
  refreshTarget(response: SipResponse): void {
    this.#dialog?.refreshTarget(response);
  }
}
