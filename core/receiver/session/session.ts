/** Session mode at the receiver: files over MSRP, in a session that an INVITE establishes (TS 8.2.1). */

import type { PushRuntime } from '../../app/runtime.js';
import { TransportError } from '../../errors.js';
import type { MsrpOffer } from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import { buildResponse } from '../../sip/message/writer.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import type { SipUserAgent } from '../../sip/user-agent.js';
import { fromUri } from '../../sip/user-agent-server.js';
import type { TrustList } from '../../sip/values/asserted-identity.js';
import { formatReason } from '../../sip/values/reason.js';
import { reasonOf } from '../../text.js';
import { type AdmittedInvite, addressedApps, admitInvite, RequestRefusedError } from '../admission.js';
import type { ReceiverEvent } from '../events.js';
import { ANY_MEDIA, Answer, offerOf, refusalOf, SDP } from './answer.js';
import { type Decision, decideLine } from './decisions.js';
import { IncomingMedia } from './incoming-media.js';
import { IncomingSession, InvitationDeadline } from './incoming-session.js';
import type { MediaConnector, MediaEndpoint } from './media-connector.js';

export interface SessionReceiverOptions {
  runtime: PushRuntime;
  trust: TrustList;
  connector: MediaConnector;
  limits: SessionLimits;
  accept: SipUserAgent['accept'];
  onEvent?(event: ReceiverEvent): void;
}

export interface SessionLimits {
  /** Simultaneous sessions: each has sockets and files. */
  sessions: number;
  /** Milliseconds without a byte after which the sender counts as lost. */
  idle: number;
}

export class SessionReceiver {
  readonly #sessions = new Set<IncomingSession>();
  /** INVITEs that are not answered yet. */
  readonly #pending = new Map<Promise<void>, InvitationDeadline>();
  /** Those whose files the applications are deciding on. */
  readonly #deciding = new Set<InvitationDeadline>();
  #stopped: RequestRefusedError | undefined;

  constructor(private readonly options: SessionReceiverOptions) {}

  /** Answers an INVITE outside a dialog. Never rejects. */
  receive(transaction: ServerTransaction): Promise<void> {
    const deadline = new InvitationDeadline(transaction);
    const answered = this.#receive(transaction, deadline).finally(() => this.#pending.delete(answered));
    this.#pending.set(answered, deadline);
    return answered;
  }

  /** Ends every session. Incomplete files are kept, to be resumed. */
  async stop(): Promise<void> {
    const why = new RequestRefusedError('busy', 'the host is stopping');
    this.#stopped = why;
    for (const deadline of this.#pending.values()) deadline.abort(why);
    await Promise.allSettled(this.#pending.keys());
    await Promise.all(Array.from(this.#sessions, (session) => session.bye(why)));
    await this.options.connector.close();
  }

  async #receive(transaction: ServerTransaction, deadline: InvitationDeadline): Promise<void> {
    try {
      if (this.#stopped) throw this.#stopped;
      await Promise.race([this.#invited(transaction, deadline), deadline.passed]);
    } catch (error) {
      this.#refuse(transaction, error);
    } finally {
      deadline.clear();
    }
  }

  async #invited(transaction: ServerTransaction, deadline: InvitationDeadline): Promise<void> {
    const { limits } = this.options;
    const offer = offerOf(transaction.request);
    const invite = admitInvite(transaction.request, offer, this.options);
    if (this.#sessions.size + this.#deciding.size >= limits.sessions) {
      throw new RequestRefusedError('busy', `the device has ${limits.sessions} sessions, its limit`);
    }
    this.#deciding.add(deadline);
    const decisions: Decision[] = [];
    try {
      if (!offer) {
        await this.#offer(transaction, invite, deadline.signal);
        return;
      }
      // One after another, so that an application with space for one file can accept one and refuse the next.
      for (const [index, media] of offer.media.entries()) {
        decisions.push(await decideLine(media, index, invite, this.options));
        deadline.signal.throwIfAborted();
      }
      requireAccepted(decisions);
      await this.#open(transaction, offer, invite, decisions, deadline.signal);
    } catch (error) {
      for (const decision of decisions) abandon(decision, error);
      throw error;
    } finally {
      this.#deciding.delete(deadline);
    }
  }

  async #open(
    transaction: ServerTransaction,
    offer: MsrpOffer,
    invite: AdmittedInvite,
    decisions: readonly Decision[],
    signal: AbortSignal,
  ): Promise<void> {
    const { connector, runtime, accept } = this.options;
    const { host } = transaction.flow.local;
    const answer = new Answer(offer, host, invite, connector, runtime);
    const endpoints: (MediaEndpoint | undefined)[] = [];
    let dialog: InviteSession;
    try {
      for (const decision of decisions) endpoints.push(await answer.add(decision, signal));
      signal.throwIfAborted();
      dialog = accept(transaction, { headers: [SDP], body: answer.body, features: answer.features });
    } catch (error) {
      for (const endpoint of endpoints) endpoint?.close();
      throw error;
    }
    const session = this.#begin(dialog, answer);
    for (const [index, decision] of decisions.entries()) {
      const endpoint = endpoints[index];
      if (endpoint && (decision.type === 'file' || decision.type === 'messages')) {
        session.open(index, decision.media, endpoint, this.#line(session, invite, index, decision));
      } else if (decision.type === 'refused') {
        this.#notifyRefused(transaction.request, 200, `file ${index + 1}: ${decision.refusal.reason}`);
      }
    }
  }

  /** An INVITE without an offer is answered with one; the answer of the sender is in its ACK (RFC 3261 §13.2.1). */
  async #offer(transaction: ServerTransaction, invite: AdmittedInvite, signal: AbortSignal): Promise<void> {
    const { connector, runtime, accept } = this.options;
    const { host } = transaction.flow.local;
    const offer = { origin: { id: '', version: '' }, timing: { start: 0, stop: 0 }, media: [ANY_MEDIA] };
    const own = new Answer(offer, host, invite, connector, runtime);
    const endpoint = await own.add({ type: 'messages', media: ANY_MEDIA }, signal);
    let dialog: InviteSession;
    try {
      signal.throwIfAborted();
      dialog = accept(transaction, { headers: [SDP], body: own.body, features: own.features });
    } catch (error) {
      endpoint?.close();
      throw error;
    }
    const session = this.#begin(dialog, own, (ack) => {
      void this.#answered(session, ack, invite, own, endpoint);
    });
  }

  /** The answer of the sender to our offer. If it cannot be used, the session ends (RFC 3261 §13.2.2.4). */
  async #answered(
    session: IncomingSession,
    ack: SipRequest,
    invite: AdmittedInvite,
    own: Answer,
    endpoint: MediaEndpoint | undefined,
  ): Promise<void> {
    let why = 'the ACK has no answer to our offer';
    try {
      const offer = offerOf(ack);
      const [media] = offer?.media ?? [];
      const decision = offer && media && (await decideLine(media, 0, invite, this.options));
      if (offer && endpoint && (decision?.type === 'file' || decision?.type === 'messages')) {
        own.answered(offer);
        if (!session.ended) {
          session.open(0, decision.media, endpoint, this.#line(session, invite, 0, decision));
          return;
        }
        abandon(decision, new TransportError('the session has ended'));
      }
      if (decision?.type === 'refused') why = decision.refusal.reason;
    } catch (error) {
      why = reasonOf(error);
    }
    endpoint?.close();
    this.#notifyRefused(ack, 488, why);
    await session.bye(new TransportError(why), [['Reason', formatReason({ cause: 488, text: why })]]);
  }

  /** @param onAnswer called for the first ACK, if it answers an offer of this end. */
  #begin(dialog: InviteSession, answer: Answer, onAnswer?: (ack: SipRequest) => void): IncomingSession {
    let pending = onAnswer;
    const session = new IncomingSession(dialog, {
      idle: this.options.limits.idle,
      onReinvite: (reinvite) => this.#reinvited(session, reinvite, answer),
      describe: () => ({ body: answer.body, headers: [SDP] }),
      onAck: (ack) => {
        const first = pending;
        pending = undefined;
        if (first) first(ack);
        else this.#acknowledged(session, ack, answer);
      },
      onEnd: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  /** The sender can close lines in its answer to the offer that a re-INVITE asked for (RFC 3264 §8.2). */
  #acknowledged(session: IncomingSession, ack: SipRequest, answer: Answer): void {
    if (ack.body.length === 0) return;
    try {
      const offer = offerOf(ack);
      for (const index of offer ? answer.closedBy(offer) : []) session.close(index);
    } catch (error) {
      this.#notifyRefused(ack, 400, reasonOf(error));
    }
  }

  #line(
    session: IncomingSession,
    invite: AdmittedInvite,
    index: number,
    decision: Extract<Decision, { type: 'file' | 'messages' }>,
  ): IncomingMedia {
    const { runtime, onEvent } = this.options;
    return new IncomingMedia({
      runtime,
      invite,
      index,
      file: decision.type === 'file' ? decision.file : undefined,
      onActivity: () => session.active(),
      onDeciding: (begun) => session.deciding(begun),
      onEvent,
    });
  }

  /**
   * The sender closes lines (RFC 3264 §8.2), or asks for an offer, which has no changes. Other changes are refused: new
   * files need another session.
   */
  #reinvited(session: IncomingSession, transaction: ServerTransaction, answer: Answer): void {
    try {
      const offer = offerOf(transaction.request);
      const { body, closed } = offer ? answer.update(offer) : { body: answer.body, closed: [] };
      session.dialog.accept(transaction, { headers: [SDP], body });
      for (const index of closed) session.close(index);
    } catch (error) {
      // RFC 3261 §14.2: the session continues unchanged.
      this.#refuse(transaction, error);
    }
  }

  #refuse(transaction: ServerTransaction, error: unknown): void {
    const { request } = transaction;
    // The sender cancelled it.
    if (transaction.answered) return;
    const answer = refusalOf(error, transaction, this.options.runtime);
    transaction.respond(buildResponse(request, answer.status, answer));
    this.#notifyRefused(request, answer.status, error);
  }

  #notifyRefused(request: SipRequest, status: number, error: unknown): void {
    const { method } = request;
    const apps = addressedApps(request, error);
    this.options.onEvent?.({
      event: 'refused',
      method,
      status,
      reason: reasonOf(error),
      from: fromUri(request),
      apps,
    });
  }
}

/** If every file is refused, the INVITE is refused for the reason of the first one that was not just declined. */
function requireAccepted(decisions: readonly Decision[]): void {
  const refused = decisions.flatMap((decision) => (decision.type === 'refused' ? [decision] : []));
  const first = refused.find(({ refusal }) => refusal.kind !== 'declined');
  if (!first || decisions.some(({ type }) => type !== 'refused' && type !== 'closed')) return;
  const { kind, reason, retryAfter } = first.refusal;
  const { maxSize, byApplication } = first;
  throw new RequestRefusedError(kind, reason, { retryAfter, maxSize, byApplication });
}

/** Releases the transfer of a file that will not arrive. */
function abandon(decision: Decision, why: unknown): void {
  const error = why instanceof Error ? why : new TransportError(String(why));
  if (decision.type === 'file') void decision.file.destination.abort(error);
}
