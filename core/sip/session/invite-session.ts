/** Two ends that change a session at the same time (RFC 3261 14.1, 14.2). */

import { TimeoutError, TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import { aborted, delay, unlessAborted } from '../../time/deadline.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { ServerTransaction } from '../transactions/server-machine.js';
import { DEFAULT_TIMERS } from '../transactions/timers.js';
import { buildResponse } from '../wire/writer.js';
import type { Dialog } from './dialog.js';
import { INVITE_DEADLINE, type Invitation, type InvitationHandlers } from './invitation.js';

/** Times a re-INVITE is sent again after a 491: two ends that both wait for different times seldom need a second. */
export const MAX_GLARES = 5;

/** Milliseconds after which a re-INVITE that was answered 491 goes again (14.1): the end that began gives way. */
export function glareDelay(ownsCallId: boolean): number {
  const units = ownsCallId ? 210 + Math.floor(Math.random() * 191) : Math.floor(Math.random() * 201);
  return units * 10;
}

/** Retry-After, in seconds, for a second re-INVITE before the answer to the first (14.2): 0 to 10. */
export function impatienceDelay(): string {
  return String(Math.floor(Math.random() * 11));
}

/** A session set up by INVITE, at either end: in-dialog requests both ways, until a BYE (RFC 3261 12 to 15). */

type Header = readonly [name: string, value: string];

export interface SessionHandlers {
  /** The peer hung up; its BYE was answered. */
  onBye(bye: SipRequest): void;
  /**
   * The peer wants to change the session: `session.accept` it, or `respond` with a refusal. `onAck` and `onTimeout` of
   * the transaction are the session's own.
   */
  onReinvite(transaction: ServerTransaction): void;
  /**
   * It ended, neither by the peer's BYE nor by `bye`: our 2xx was never acknowledged, or the peer did not answer a
   * re-INVITE (TimeoutError); the peer does not know the session, or the agent was stopped (TransportError). The peer
   * is told by a BYE, where it may know the session.
   */
  onEnd?(error: TimeoutError | TransportError): void;
}

/** What a session needs of its agent. */
export interface SessionDependencies {
  /** Sends a request of a dialog and gives its final response. */
  send(request: SipRequest, nextCSeq: () => number): Promise<SipResponse>;
  invite(request: SipRequest, nextCSeq: () => number, handlers: InvitationHandlers): Invitation;
  sendAck(ack: SipRequest): void;
  /** URI for our Contact, as it is now. */
  contact(): string;
  /** Headers of our 2xx to an INVITE, but for Contact. */
  capabilities(): Iterable<[name: string, value: string]>;
}

export class InviteSession {
  handlers: SessionHandlers = {
    onBye: () => {},
    // RFC 3261 14.2: a change that nobody here knows what to do with.
    onReinvite: (transaction) => transaction.respond(buildResponse(transaction.request, 488)),
  };
  readonly #over = new AbortController();
  /** The peer's last INVITE. */
  #incoming: ServerTransaction | undefined;
  /** Our 2xx to it was acknowledged, or never will be. */
  #acknowledged = new AbortController();
  /** Re-INVITEs of this end go one after the other (14.1). */
  #turn: Promise<unknown> = Promise.resolve();
  #inviting = false;

  constructor(
    readonly dialog: Dialog,
    /** What the peer said in its INVITE, or in its answer. */
    readonly remote: SipRequest | SipResponse,
    private readonly door: SessionDependencies,
    private readonly owner: {
      /** The peer's requests are not ours any more. */
      ended(session: InviteSession): void;
      /** A BYE is under way; `hurry` sends it though our 2xx may yet be acknowledged. */
      leaving(bye: Promise<unknown>, hurry: () => void): void;
    },
  ) {}

  get ended(): boolean {
    return this.#over.signal.aborted;
  }

  /**
   * A re-INVITE; a 2xx is acknowledged here. Waits for its turn: while another is under way in either direction, and
   * after a 491, as long as 14.1 asks for.
   * @param body made when it is sent, where it is a function: what the peer changed meanwhile is known then.
   * @returns the final response; the session is as it was unless that is a 2xx.
   * @throws TimeoutError when it was not answered in time; TransportError, also when the session ends meanwhile;
   * LimitError.
   */
  async reinvite(
    body: Uint8Array | (() => Uint8Array),
    headers: readonly Header[] = [],
  ): Promise<SipResponse> {
    const deadline = new AbortController();
    const expired = new TimeoutError(`the re-INVITE was not answered within ${INVITE_DEADLINE / 1000} s`);
    const alarm = new Timer();
    alarm.set(INVITE_DEADLINE, () => deadline.abort(expired));
    const patience = AbortSignal.any([this.#over.signal, deadline.signal]);
    const turn = this.#turn.then(() => this.#reinvite(body, headers, patience));
    this.#turn = turn.catch(() => {});
    return await turn.finally(() => alarm.clear());
  }

  /** Answers a re-INVITE of the peer with a 200, which is sent until it is acknowledged. */
  accept(
    transaction: ServerTransaction,
    { headers = [], body }: { headers?: readonly Header[]; body?: Uint8Array } = {},
  ): void {
    const response = buildResponse(transaction.request, 200, {
      headers: [['Contact', `<${this.door.contact()}>`], ...this.door.capabilities(), ...headers],
      body,
    });
    transaction.respond(response, { untilAcknowledged: true });
  }

  /** The ACK of a 2xx, also of each one sent again, with the credentials of its INVITE (13.2.2.4). */
  acknowledge(response: SipResponse, invite: SipRequest): void {
    const cseq = Number.parseInt(response.headers.get('CSeq') ?? '', 10);
    const ack = this.dialog.request('ACK', cseq);
    for (const name of ['Authorization', 'Proxy-Authorization']) {
      ack.headers.set(name, invite.headers.getAll(name));
    }
    this.door.sendAck(ack);
  }

  /**
   * Hangs up: once our 2xx is acknowledged, or never will be (15). Resolves with the answer; undefined when the
   * session had ended.
   * @param headers of the BYE, such as Reason (RFC 3326).
   */
  async bye(headers: readonly Header[] = []): Promise<SipResponse | undefined> {
    if (this.ended) return undefined;
    this.#end(new TransportError('the session was ended'));
    return await this.#bye(headers);
  }

  /** Ends it for a reason that the handlers are told. */
  fail(error: TimeoutError | TransportError, { silently = false } = {}): void {
    if (this.ended) return;
    this.#end(error);
    if (!silently) this.#bye().catch(() => {});
    this.handlers.onEnd?.(error);
  }

  /** The peer's INVITE, which this end is about to answer. */
  answering(transaction: ServerTransaction): void {
    const acknowledged = new AbortController();
    this.#incoming = transaction;
    this.#acknowledged = acknowledged;
    transaction.onAck = () => acknowledged.abort();
    transaction.onTimeout = (error) => {
      acknowledged.abort();
      // 13.3.1.4, 14.2: a 2xx that is never acknowledged ends the session; a refusal changes nothing.
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
    } else {
      const allow: [string, string] = ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS'];
      transaction.respond(buildResponse(request, 405, { headers: [allow] }));
    }
  }

  #receiveInvite(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (this.#inviting) {
      // 14.2: ours is under way.
      transaction.respond(buildResponse(request, 491));
    } else if (this.#incoming && !this.#incoming.answered) {
      transaction.respond(buildResponse(request, 500, { headers: [['Retry-After', impatienceDelay()]] }));
    } else {
      this.dialog.refreshTarget(request);
      this.answering(transaction);
      this.handlers.onReinvite(transaction);
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
      // 14.1: not while one of the peer is under way, or it would answer 491.
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
    for (const [name, value] of headers) request.headers.append(name, value);
    request.body = body;
    this.#inviting = true;
    const invitation = this.door.invite(request, () => this.dialog.nextCSeq(), {
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
      this.#noteRefusal(response.status);
      return response;
    } catch (error) {
      // 14.1: the peer is gone.
      if (error instanceof TimeoutError && error !== patience.reason) this.fail(error);
      throw error;
    } finally {
      this.#inviting = false;
      patience.removeEventListener('abort', cancel);
    }
  }

  /** 12.2.1.2 and 14.1: the peer, or the way to it, is gone. */
  #noteRefusal(status: number): void {
    if (status === 481) {
      this.fail(new TransportError('the peer does not know the session any more'), { silently: true });
    } else if (status === 408) {
      this.fail(new TimeoutError('the peer did not answer a re-INVITE'));
    }
  }

  #awaitsAck(): boolean {
    return this.#incoming?.accepted === true && !this.#acknowledged.signal.aborted;
  }

  #end(reason: Error): void {
    this.#over.abort(reason);
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
      // The transaction gives up after as long.
      await delay(DEFAULT_TIMERS.timeout, this.#acknowledged.signal).catch(() => {});
    }
    const send = () => {
      const bye = this.dialog.request('BYE');
      for (const [name, value] of headers) bye.headers.append(name, value);
      return this.door.send(bye, () => this.dialog.nextCSeq());
    };
    try {
      return await send();
    } catch (error) {
      // By the next connection: a peer that got the first one does not know the session any more, and says so.
      if (!(error instanceof TransportError)) throw error;
      return await send();
    }
  }
}
