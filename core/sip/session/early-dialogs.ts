/** The dialogs that provisional responses establish before an INVITE is answered, reliable responses (RFC 3262), and UPDATE. */

import type { SipRequest, SipResponse } from '../message/message.js';
import { buildResponse } from '../message/writer.js';
import type { ServerTransaction } from '../transactions/server-machine.js';
import { Dialog, dialogKeyOf } from './dialog.js';

interface EarlyDialog {
  readonly dialog: Dialog;
  /** RSeq of the last reliable response. */
  sequence?: number;
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

  /** Adds the dialog of a provisional response to our INVITE. Undefined if it establishes none, or there are too many. */
  add(invite: SipRequest, response: SipResponse): EarlyDialog | undefined {
    const tag = response.headers.to?.tag ?? '';
    const known = this.#byTag.get(tag);
    if (known || tag === '' || response.status === 100 || this.#byTag.size >= MAX_EARLY) return known;
    const early: EarlyDialog = { dialog: Dialog.ofClient(invite, response) };
    this.#byTag.set(tag, early);
    return early;
  }

  /**
   * Answers an UPDATE (RFC 3311 §5.2). It can change the target; the media of a session is not negotiated again before it
   * begins. An offer crosses ours until that has an answer.
   * @param accept sends the 200.
   * @returns false if the request belongs to none of these dialogs.
   */
  update(transaction: ServerTransaction, accept: () => void): boolean {
    const { request } = transaction;
    const key = dialogKeyOf(request);
    const early = [...this.#byTag.values()].find(({ dialog }) => dialog.key === key);
    if (!early) return false;
    if (!early.dialog.receive(request)) {
      transaction.respond(buildResponse(request, 500, { headers: [['Retry-After', '1']] }));
    } else if (request.body.length > 0) {
      transaction.respond(buildResponse(request, early.answer ? 488 : 491));
    } else {
      early.dialog.refreshTarget(request);
      accept();
    }
    return true;
  }

  /**
   * The PRACK for a reliable provisional response to our INVITE.
   * @returns undefined for a retransmission, or a response out of order (RFC 3262 §4).
   */
  acknowledge(invite: SipRequest, response: SipResponse): { prack: SipRequest; dialog: Dialog } | undefined {
    const { headers } = response;
    const text = headers.get('RSeq')?.trim() ?? '';
    const sequence = Number(text);
    const early = this.add(invite, response);
    if (!early || !/^\d{1,10}$/.test(text)) return undefined;
    if (early.sequence !== undefined && sequence !== early.sequence + 1) return undefined;
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
