/** One dialog of a subscriber (RFC 6665 4.1): its SUBSCRIBEs, and the NOTIFYs that belong to it. */

import { platform } from '#platform';
import type { SipRequest, SipResponse } from '../message/message.js';
import { Dialog } from '../session/dialog.js';
import { type NotifiedState, parseSubscriptionState } from './subscription-state.js';

export interface SubscribeOptions {
  /** Request-URI: whose state it is. */
  readonly uri: string;
  /** To, where it is not the Request-URI: a bare URI. */
  readonly to?: string;
  /** Event package, `reg`. */
  readonly event: string;
  /** Media types of NOTIFY bodies. */
  readonly accept: readonly string[];
  /** Seconds to ask for. */
  readonly expires: number;
  /** Of every SUBSCRIBE, e.g. P-Preferred-Identity. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** What a subscription needs of its agent. */
export interface SubscriptionDependencies {
  /** A SUBSCRIBE outside any dialog. */
  compose(uri: string, to: string | undefined, cseq: number, tag: string): SipRequest;
  /** Sends it, when its turn has come, with our Contact as it is then; gives the final response. */
  send(request: SipRequest, nextCSeq: () => number): Promise<SipResponse>;
  /** Values of our Allow and User-Agent. */
  allow(): string;
  readonly product: string;
}

export type Notified =
  | { readonly refusal: number; readonly headers?: readonly [string, string][] }
  | { readonly state: NotifiedState };

export class SubscriptionUsage {
  readonly callId = platform.randomHex(16);
  readonly tag = platform.randomHex(8);
  #cseq = 0;
  #dialog: Dialog | undefined;

  constructor(
    private readonly options: SubscribeOptions,
    private readonly door: SubscriptionDependencies,
  ) {}

  /** The notifier has told of it: it can be refreshed, and ended. */
  get established(): boolean {
    return this.#dialog !== undefined;
  }

  /** @param expires seconds to ask for; 0 ends it. */
  async send(expires: number): Promise<SipResponse> {
    const dialog = this.#dialog;
    const { uri, to, event, accept, headers = [] } = this.options;
    const request = dialog ? dialog.request('SUBSCRIBE') : this.door.compose(uri, to, ++this.#cseq, this.tag);
    request.headers
      .set('Call-ID', this.callId)
      .set('User-Agent', this.door.product)
      .set('Event', event)
      .set('Accept', accept.join(', '))
      .set('Expires', String(expires))
      .set('Allow', this.door.allow());
    for (const [name, value] of headers) request.headers.append(name, value);
    return await this.door.send(request, () => dialog?.nextCSeq() ?? ++this.#cseq);
  }

  /** Takes note of a NOTIFY with our Call-ID and tag, or says how to refuse it. */
  receive(request: SipRequest): Notified {
    const { headers } = request;
    const [event = ''] = (headers.get('Event') ?? '').split(';', 1);
    if (event.trim().toLowerCase() !== this.options.event.toLowerCase()) return { refusal: 481 };
    const state = parseSubscriptionState(headers.get('Subscription-State'));
    const dialog = this.#dialog ?? Dialog.ofNotify(request, this.#cseq);
    // RFC 3261 12.1.1: without a Contact there is nobody to refresh it with.
    if (!state || dialog.remoteTarget === '') return { refusal: 400 };
    // RFC 3680 4.9: one subscription, though the SUBSCRIBE was forked; 481 ends the others.
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

  /** RFC 6665 4.4.1: the 2xx to a refresh may name another Contact. */
  refreshTarget(response: SipResponse): void {
    this.#dialog?.refreshTarget(response);
  }
}
