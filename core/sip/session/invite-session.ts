/** A session of INVITE (RFC 3261 §12 to §15), and re-INVITEs of both ends at the same time (§14.1, §14.2). */

import { TimeoutError, TransportError } from '../../errors.js';
import { aborted, delay, LinkedSignal, unlessAborted } from '../../time/abort-signal.js';
import { Timer } from '../../time/clock.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { buildResponse } from '../message/writer.js';
import type { ServerTransaction } from '../transactions/server-machine.js';
import { DEFAULT_TIMERS } from '../transactions/timers.js';
import type { Dialog } from './dialog.js';
import { glareDelay, MAX_GLARES, overlapRetryAfter } from './glare.js';
import { INVITE_DEADLINE, type Invitation, type InvitationHandlers } from './invitation.js';
import { acceptInterval, agreedInterval, SessionTimer } from './session-timer.js';

type Header = readonly [name: string, value: string];

export interface SessionHandlers {
  /** The peer ended the session; its BYE is answered. */
  onBye(bye: SipRequest): void;
  /**
   * The peer wants to change the session: call `session.accept`, or `respond` with a refusal. The session owns `onAck`
   * and `onTimeout` of the transaction.
   */
  onReinvite(transaction: ServerTransaction): void;
  /** The current description, for a re-INVITE that refreshes the session (RFC 4028 §7.4). */
  describe?(): { body: Uint8Array; headers: readonly Header[] };
  /** The ACK of our 2xx; it has an answer if the INVITE had no offer (RFC 3261 §13.2.1). */
  onAck?(ack: SipRequest): void;
  /**
   * The session ended without a BYE of the peer or a call of `bye`: our 2xx was not acknowledged or a re-INVITE was not
   * answered (TimeoutError), the peer does not know the session, or the agent stopped (TransportError). A BYE is sent
   * unless the peer does not know the session.
   */
  onEnd?(error: TimeoutError | TransportError): void;
}

/** The parts of its agent that a session needs. */
export interface SessionDependencies {
  /** Sends a request of a dialog and returns its final response. */
  send(request: SipRequest, nextCSeq: () => number): Promise<SipResponse>;
  invite(request: SipRequest, nextCSeq: () => number, handlers: InvitationHandlers): Invitation;
  sendAck(ack: SipRequest): void;
  /** Current URI for our Contact in the answer to a request. */
  contact(request: SipRequest): string;
  /** Headers of our 2xx to an INVITE, except Contact. */
  capabilities(): Iterable<[name: string, value: string]>;
}

/** Headers of our 2xx to an INVITE or UPDATE with a session timer. */
export function timerHeaders(request: SipRequest): Iterable<[name: string, value: string]> {
  return request.headers.has('Session-Expires') ? acceptInterval(request) : [];
}

/** A session at either end: requests within its dialog in both directions, until a BYE. */
export class InviteSession {
  handlers: SessionHandlers = {
    onBye: () => {},
    // RFC 3261 §14.2: without a handler, a change is refused.
    onReinvite: (transaction) => transaction.respond(buildResponse(transaction.request, 488)),
  };
  readonly #ended = new AbortController();
  /** The last INVITE of the peer. */
  #incoming: ServerTransaction | undefined;
  /** Aborted when our 2xx is acknowledged, or no ACK can arrive any more. */
  #acknowledged = new AbortController();
  /** Re-INVITEs of this end are sent one after the other (RFC 3261 §14.1). */
  #turn: Promise<unknown> = Promise.resolve();
  #inviting = false;
  /** Runs if both ends agreed on refreshes (RFC 4028). */
  #timer: SessionTimer | undefined;

  constructor(
    readonly dialog: Dialog,
    /** The INVITE of the peer, or its answer to ours. */
    readonly remote: SipRequest | SipResponse,
    private readonly dependencies: SessionDependencies,
    private readonly owner: {
      /** Requests of the peer no longer belong to the session. */
      ended(session: InviteSession): void;
      /** A BYE is pending; `hurry` sends it without waiting for the ACK of our 2xx. */
      leaving(bye: Promise<unknown>, hurry: () => void): void;
    },
  ) {}

  get ended(): boolean {
    return this.#ended.signal.aborted;
  }

  /**
   * Sends a re-INVITE; a 2xx is acknowledged here. Waits while another one is pending in either direction, and after a
   * 491 as long as RFC 3261 §14.1 requires.
   * @param body a function is called when the re-INVITE is sent, when earlier changes of the peer are known.
   * @returns the final response; unless it is a 2xx, the session is unchanged.
   * @throws TimeoutError if it is not answered in time; TransportError if the connection or the session ends meanwhile;
   *   LimitError.
   */
  async reinvite(
    body: Uint8Array | (() => Uint8Array),
    headers: readonly Header[] = [],
  ): Promise<SipResponse> {
    const deadline = new AbortController();
    const expired = new TimeoutError(`the re-INVITE was not answered within ${INVITE_DEADLINE / 1000} s`);
    const alarm = new Timer();
    alarm.set(INVITE_DEADLINE, () => deadline.abort(expired));
    const patience = new LinkedSignal(this.#ended.signal, deadline.signal);
    const turn = this.#turn.then(() => this.#reinvite(body, headers, patience.signal));
    this.#turn = turn.catch(() => {});
    return await turn.finally(() => {
      alarm.clear();
      patience.release();
    });
  }

  /** Answers a re-INVITE of the peer with a 200, which is retransmitted until its ACK. */
  accept(
    transaction: ServerTransaction,
    { headers = [], body }: { headers?: readonly Header[]; body?: Uint8Array } = {},
  ): void {
    const response = buildResponse(transaction.request, 200, {
      headers: [
        ['Contact', `<${this.dependencies.contact(transaction.request)}>`],
        ...this.dependencies.capabilities(),
        ...timerHeaders(transaction.request),
        ...headers,
      ],
      body,
    });
    transaction.respond(response, { untilAcknowledged: true });
    this.agree(response, false);
  }

  /** A 2xx agrees on refreshes, or on none (RFC 4028 §7.2, §9). @param sent whether it answers a request of this end. */
  agree({ headers }: SipResponse, sent: boolean): void {
    if (this.ended || (!this.#timer && !headers.has('Session-Expires'))) return;
    this.#timer ??= new SessionTimer(
      () => this.#refresh(),
      () => this.fail(new TimeoutError('the session was not refreshed in time')),
    );
    this.#timer.set(agreedInterval(headers, sent));
  }

  /** Sends the ACK of a 2xx and of each retransmission, with the credentials of its INVITE (RFC 3261 §13.2.2.4). */
  acknowledge(response: SipResponse, invite: SipRequest): void {
    const cseq = Number.parseInt(response.headers.get('CSeq') ?? '', 10);
    const ack = this.dialog.request('ACK', cseq);
    for (const name of ['Authorization', 'Proxy-Authorization']) {
      ack.headers.set(name, invite.headers.getAll(name));
    }
    this.dependencies.sendAck(ack);
  }

  /**
   * Ends the session, after our 2xx is acknowledged or no ACK can arrive any more (RFC 3261 §15).
   * @param headers of the BYE, e.g. Reason (RFC 3326).
   * @returns the answer; undefined if the session had already ended.
   */
  async bye(headers: readonly Header[] = []): Promise<SipResponse | undefined> {
    if (this.ended) return undefined;
    this.#end(new TransportError('the session was ended'));
    return await this.#bye(headers);
  }

  /** Ends the session and notifies the handlers of the reason. */
  fail(error: TimeoutError | TransportError, { silently = false } = {}): void {
    if (this.ended) return;
    this.#end(error);
    if (!silently) this.#bye().catch(() => {});
    this.handlers.onEnd?.(error);
  }

  /** Records the INVITE of the peer that this end is about to answer. */
  answering(transaction: ServerTransaction): void {
    const acknowledged = new AbortController();
    this.#incoming = transaction;
    this.#acknowledged = acknowledged;
    transaction.onAck = (ack) => {
      acknowledged.abort();
      if (!this.ended) this.handlers.onAck?.(ack);
    };
    transaction.onTimeout = (error) => {
      acknowledged.abort();
      // RFC 3261 §13.3.1.4, §14.2: a 2xx without an ACK ends the session; a refusal changes nothing.
      if (transaction.accepted) this.fail(error);
    };
  }

  /** A request of the peer within this dialog. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (!this.dialog.receive(request)) {
      transaction.respond(buildResponse(request, 500, { headers: [['Retry-After', '1']] }));
    } else if (request.method === 'BYE') {
      transaction.respond(buildResponse(request, 200));
      this.#end(new TransportError('the peer ended the session'));
      this.handlers.onBye(request);
    } else if (request.method === 'INVITE') {
      this.#receiveInvite(transaction);
    } else if (request.method === 'UPDATE') {
      this.#receiveUpdate(transaction);
    } else if (request.method === 'PRACK') {
      // RFC 3262 §3: this end sends no reliable provisional responses.
      transaction.respond(buildResponse(request, 481));
    } else {
      const allow: [string, string] = ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK'];
      transaction.respond(buildResponse(request, 405, { headers: [allow] }));
    }
  }

  #receiveInvite(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (this.#inviting) {
      // RFC 3261 §14.2: our own re-INVITE is pending.
      transaction.respond(buildResponse(request, 491));
    } else if (this.#incoming && !this.#incoming.answered) {
      transaction.respond(buildResponse(request, 500, { headers: [['Retry-After', overlapRetryAfter()]] }));
    } else {
      this.dialog.refreshTarget(request);
      this.answering(transaction);
      this.handlers.onReinvite(transaction);
    }
  }

  /** RFC 3311 §5.2. An UPDATE without an offer refreshes the session and its target. */
  #receiveUpdate(transaction: ServerTransaction): void {
    const { request } = transaction;
    const offer = request.body.length > 0;
    if (offer && this.#inviting) {
      transaction.respond(buildResponse(request, 491));
    } else if (offer && this.#incoming && !this.#incoming.answered) {
      transaction.respond(buildResponse(request, 500, { headers: [['Retry-After', overlapRetryAfter()]] }));
    } else {
      this.dialog.refreshTarget(request);
      if (offer) this.handlers.onReinvite(transaction);
      else this.accept(transaction);
    }
  }

  /** By UPDATE, if the peer supports it, since it has no offer (RFC 4028 §7.4). */
  async #refresh(): Promise<SipResponse> {
    if (this.remote.headers.getAll('Allow').includes('UPDATE')) return await this.#update();
    const { body, headers } = this.handlers.describe?.() ?? {};
    if (!body) throw new TransportError('this end has no description for a re-INVITE');
    return await this.reinvite(body, headers);
  }

  async #update(): Promise<SipResponse> {
    const request = this.dialog.request('UPDATE');
    request.headers.set('Contact', `<${this.dependencies.contact(request)}>`);
    for (const [name, value] of this.#timer?.headers ?? []) request.headers.append(name, value);
    try {
      const response = await this.dependencies.send(request, () => this.dialog.nextCSeq());
      this.#noteAnswer(response);
      return response;
    } catch (error) {
      if (error instanceof TimeoutError) this.fail(error);
      throw error;
    }
  }

  async #reinvite(
    body: Uint8Array | (() => Uint8Array),
    headers: readonly Header[],
    patience: AbortSignal,
  ): Promise<SipResponse> {
    for (let glares = 0; ; ) {
      patience.throwIfAborted();
      if (this.#awaitsAck()) await unlessAborted(aborted(this.#acknowledged.signal), patience);
      // RFC 3261 §14.1: not while one of the peer is pending, because it would answer 491.
      if (!this.#incoming || this.#incoming.answered) {
        const response = await this.#invite(typeof body === 'function' ? body() : body, headers, patience);
        if (response.status !== 491 || glares === MAX_GLARES) return response;
        glares++;
      }
      await delay(glareDelay(this.dialog.ownsCallId), patience);
    }
  }

  async #invite(body: Uint8Array, headers: readonly Header[], patience: AbortSignal): Promise<SipResponse> {
    const request = this.dialog.request('INVITE');
    const timer = this.#timer?.headers ?? [];
    for (const [name, value] of [...headers, ...timer]) request.headers.append(name, value);
    request.body = body;
    this.#inviting = true;
    const invitation = this.dependencies.invite(request, () => this.dialog.nextCSeq(), {
      onAccepted: (response, authorized) => {
        this.dialog.refreshTarget(response);
        this.acknowledge(response, authorized);
      },
    });
    const cancel = () => invitation.cancel();
    patience.addEventListener('abort', cancel);
    try {
      const response = await invitation.final;
      if (response.status === 487) patience.throwIfAborted();
      this.#noteAnswer(response);
      return response;
    } catch (error) {
      // RFC 3261 §14.1: the peer is gone.
      if (error instanceof TimeoutError && error !== patience.reason) this.fail(error);
      throw error;
    } finally {
      this.#inviting = false;
      patience.removeEventListener('abort', cancel);
    }
  }

  #noteAnswer(response: SipResponse): void {
    const { status } = response;
    if (status < 300) {
      this.dialog.refreshTarget(response);
      this.agree(response, true);
    } else if (status === 481) {
      // RFC 3261 §12.2.1.2 and §14.1: the peer, or the path to it, is gone.
      this.fail(new TransportError('the peer no longer knows the session'), { silently: true });
    } else if (status === 408) {
      this.fail(new TimeoutError('the peer did not answer a request in the session'));
    }
  }

  #awaitsAck(): boolean {
    return this.#incoming?.accepted === true && !this.#acknowledged.signal.aborted;
  }

  #end(reason: Error): void {
    this.#ended.abort(reason);
    this.#timer?.clear();
    this.owner.ended(this);
  }

  #bye(headers: readonly Header[] = []): Promise<SipResponse> {
    const bye = this.#sendBye(headers);
    const acknowledged = this.#acknowledged;
    this.owner.leaving(bye, () => acknowledged.abort());
    return bye;
  }

  async #sendBye(headers: readonly Header[]): Promise<SipResponse> {
    if (this.#awaitsAck()) {
      // The transaction gives up at the same time.
      await delay(DEFAULT_TIMERS.timeout, this.#acknowledged.signal).catch(() => {});
    }
    const send = () => {
      const bye = this.dialog.request('BYE');
      for (const [name, value] of headers) bye.headers.append(name, value);
      return this.dependencies.send(bye, () => this.dialog.nextCSeq());
    };
    try {
      return await send();
    } catch (error) {
      // On the next connection. If the peer received the first BYE, it answers that the session is unknown.
      if (!(error instanceof TransportError)) throw error;
      return await send();
    }
  }
}
