/** An INVITE outside of dialogs as its caller sees it: each branch that accepts is a session (RFC 3261 §13.2.2.4). */

import { TimeoutError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { type EarlyDialogs, isReliable } from './early-dialogs.js';
import { INVITE_DEADLINE, type Invitation, type InvitationHandlers } from './invitation.js';
import type { InviteSession } from './invite-session.js';
import type { InviteSessions } from './invite-sessions.js';

export interface InviteHandlers {
  /**
   * A 2xx, with the answer of an earlier reliable response if it has none. A forked INVITE can have several, some of them
   * after `final`. `session.bye` ends an unwanted session. Not called after the INVITE was abandoned: a late session is
   * ended here.
   */
  onSession?(session: InviteSession, response: SipResponse): void;
}

export interface InviteOptions {
  /** Gives up the INVITE before its answer: with a CANCEL after a provisional response (RFC 3261 §9.1). */
  signal?: AbortSignal;
}

/** Terminals that can answer one INVITE, each with a session: a limit for a broken core. */
const MAX_BRANCHES = 100;

export class OutgoingInvite {
  /** The first final response; rejects at once if the INVITE is abandoned. */
  readonly final: Promise<SipResponse>;
  /** Resolves when nothing is pending any more, even after `final` has rejected. */
  readonly settled: Promise<void>;
  readonly #invitation: Invitation;
  readonly #branches = new Map<string, InviteSession>();
  /** Dialogs of terminals that have sent a provisional response. */
  #early: EarlyDialogs | undefined;
  #giveUp: (reason: unknown) => void = () => {};

  constructor(
    send: (handlers: InvitationHandlers) => Invitation,
    private readonly sessions: InviteSessions,
    private readonly handlers: InviteHandlers,
    { signal }: InviteOptions = {},
  ) {
    this.#invitation = send({
      onAccepted: (response, request) => this.#accepted(response, request),
      onProvisional: (response, request) => {
        if (response.headers.to?.tag) this.#ringing(response, request);
      },
    });
    const { final } = this.#invitation;
    const deadline = new Timer();
    const settled = () => {
      deadline.clear();
      signal?.removeEventListener('abort', abort);
      if (this.#early) this.sessions.removeEarly(this.#early);
    };
    this.settled = final.then(settled, settled);
    this.final = new Promise((resolve, reject) => {
      final.then(resolve, reject);
      this.#giveUp = reject;
    });
    deadline.set(INVITE_DEADLINE, () => {
      const seconds = INVITE_DEADLINE / 1000;
      this.giveUp(new TimeoutError(`no final response to the INVITE within ${seconds} s`));
    });
    const abort = () => this.giveUp(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
  }

  /** Has no effect after the answer. */
  giveUp(reason: unknown): void {
    if (this.#invitation.settled) return;
    this.#giveUp(reason);
    this.#invitation.cancel();
  }

  #accepted(response: SipResponse, request: SipRequest): void {
    const branch = response.headers.to?.tag ?? '';
    const known = this.#branches.get(branch);
    // Without an ACK, the terminal ends its session itself.
    if (!known && this.#branches.size >= MAX_BRANCHES) return;
    const early = known ? undefined : this.#early?.confirm(response);
    const session = known ?? this.sessions.answered(request, response, early?.dialog);
    this.#branches.set(branch, session);
    session.acknowledge(response, request);
    if (known) return;
    const { closed } = this.sessions;
    // RFC 3261 §9.1: the 2xx crossed our CANCEL.
    if (closed || this.#invitation.cancelled) session.bye().catch(() => {});
    else this.handlers.onSession?.(session, early?.answered ?? response);
  }

  /** Establishes an early dialog; a reliable response needs a PRACK (RFC 3262 §4). */
  #ringing(response: SipResponse, request: SipRequest): void {
    this.#early ??= this.sessions.addEarly();
    this.#early.add(request, response);
    if (!isReliable(response)) return;
    const acknowledged = this.#early.acknowledge(request, response);
    if (!acknowledged) return;
    const { prack, dialog } = acknowledged;
    this.sessions.sendPrack(prack, () => dialog.nextCSeq());
  }
}
