/** Reliable provisional responses (RFC 3262), and the dialogs that they establish before the INVITE is answered. */

import type { SipRequest, SipResponse } from '../message/message.js';
import { Dialog } from './dialog.js';

interface EarlyDialog {
  readonly dialog: Dialog;
  /** RSeq of the last response. */
  sequence: number;
  /** A response with the answer to our offer: the 2xx needs none. */
  answer?: SipResponse;
}

/** Branches of a fork that can ring at the same time. */
const MAX_EARLY = 100;

export function isReliable({ status, headers }: SipResponse): boolean {
  return (
    status > 100 && headers.has('RSeq') && headers.getAll('Require').some((tag) => /^100rel$/i.test(tag))
  );
}

export class EarlyDialogs {
  readonly #byTag = new Map<string, EarlyDialog>();

  /**
   * The PRACK for a reliable provisional response to our INVITE.
   * @returns undefined for a retransmission, or a response out of order (RFC 3262 §4).
   */
  acknowledge(invite: SipRequest, response: SipResponse): { prack: SipRequest; dialog: Dialog } | undefined {
    const { headers } = response;
    const tag = headers.to?.tag ?? '';
    const text = headers.get('RSeq')?.trim() ?? '';
    const sequence = Number(text);
    if (tag === '' || !/^\d{1,10}$/.test(text)) return undefined;
    let early = this.#byTag.get(tag);
    if (!early) {
      if (this.#byTag.size >= MAX_EARLY) return undefined;
      early = { dialog: Dialog.ofClient(invite, response), sequence: sequence - 1 };
      this.#byTag.set(tag, early);
    }
    if (sequence !== early.sequence + 1) return undefined;
    early.sequence = sequence;
    early.dialog.refreshTarget(response);
    if (response.body.length > 0) early.answer ??= response;
    const prack = early.dialog.request('PRACK');
    prack.headers.set('RAck', `${sequence} ${headers.get('CSeq') ?? ''}`);
    return { prack, dialog: early.dialog };
  }

  /** The dialog that a 2xx confirms (RFC 3261 §13.2.2.4), and the answer, if it arrived before the 2xx. */
  confirm(response: SipResponse): { dialog: Dialog; answered: SipResponse } | undefined {
    const early = this.#byTag.get(response.headers.to?.tag ?? '');
    if (!early) return undefined;
    early.dialog.confirm(response);
    const { answer } = early;
    if (!answer || response.body.length > 0) return { dialog: early.dialog, answered: response };
    const headers = response.headers.clone();
    headers.set('Content-Type', answer.headers.get('Content-Type') ?? '');
    return { dialog: early.dialog, answered: { ...response, headers, body: answer.body } };
  }
}
