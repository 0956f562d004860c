/** The sessions of an agent, by dialog. */

import type { TransportError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { buildResponse } from '../message/writer.js';
import type { ServerTransaction } from '../transactions/server-machine.js';
import { Dialog, dialogKeyOf } from './dialog.js';
import { EarlyDialogs } from './early-dialogs.js';
import { InviteSession, type SessionDependencies, timerHeaders } from './invite-session.js';

export class InviteSessions {
  readonly #sessions = new Map<string, InviteSession>();
  /** Early dialogs of our INVITEs that have no final response. */
  readonly #early = new Set<EarlyDialogs>();
  /** BYEs that are not answered yet. */
  readonly #leaving = new Map<Promise<unknown>, () => void>();
  #closed: TransportError | undefined;

  constructor(private readonly dependencies: SessionDependencies) {}

  /** The reason why no further sessions can begin. */
  get closed(): TransportError | undefined {
    return this.#closed;
  }

  /** The session of a request of the peer. */
  of(request: SipRequest): InviteSession | undefined {
    return this.#sessions.get(dialogKeyOf(request));
  }

  /** Adds the session that a 2xx to our INVITE establishes. @param early the dialog that it confirms. */
  answered(
    request: SipRequest,
    response: SipResponse,
    early = Dialog.ofClient(request, response),
  ): InviteSession {
    const session = this.#add(early, response);
    session.agree(response, true);
    return session;
  }

  /** Early dialogs of an INVITE, which receive UPDATEs until `removeEarly`. */
  addEarly(): EarlyDialogs {
    const early = new EarlyDialogs();
    this.#early.add(early);
    return early;
  }

  removeEarly(early: EarlyDialogs): void {
    this.#early.delete(early);
  }

  /** Answers an UPDATE within an early dialog. @returns false if it belongs to none. */
  updateEarly(transaction: ServerTransaction): boolean {
    const { request } = transaction;
    const accept = () =>
      transaction.respond(
        buildResponse(request, 200, {
          headers: [
            ['Contact', `<${this.dependencies.contact(request)}>`],
            ...this.dependencies.capabilities(),
            ...timerHeaders(request),
          ],
        }),
      );
    for (const early of this.#early) if (early.update(transaction, accept)) return true;
    return false;
  }

  /** Sends a PRACK, whose answer changes nothing. */
  sendPrack(prack: SipRequest, nextCSeq: () => number): void {
    this.dependencies.send(prack, nextCSeq).catch(() => {});
  }

  /** Answers an INVITE with `response`, a 2xx with Contact and tag, which is retransmitted until its ACK. */
  accept(transaction: ServerTransaction, response: SipResponse): InviteSession {
    const session = this.#add(Dialog.ofServer(transaction.request, response), transaction.request);
    session.answering(transaction);
    transaction.respond(response, { untilAcknowledged: true });
    session.agree(response, false);
    return session;
  }

  /** Ends every session by BYE. */
  close(reason: TransportError): void {
    this.#closed = reason;
    for (const session of [...this.#sessions.values()]) session.fail(reason);
  }

  /** Resolves when every pending BYE is answered or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#leaving.keys());
  }

  /** Sends the BYEs that wait for the ACK of our 2xx. */
  sendWaitingByes(): void {
    for (const hurry of this.#leaving.values()) hurry();
  }

  #add(dialog: Dialog, remote: SipRequest | SipResponse): InviteSession {
    const session = new InviteSession(dialog, remote, this.dependencies, {
      ended: () => this.#sessions.delete(dialog.key),
      leaving: (bye, hurry) => this.#leave(bye, hurry),
    });
    this.#sessions.set(dialog.key, session);
    return session;
  }

  #leave(bye: Promise<unknown>, hurry: () => void): void {
    this.#leaving.set(bye, hurry);
    const left = () => this.#leaving.delete(bye);
    bye.then(left, left);
  }
}
