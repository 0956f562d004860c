/** Session mode at the receiver: files over MSRP, in a session set up by INVITE (TS 8.2.1). */

import type { PushRuntime } from '../../app/runtime.js';
import { TransportError } from '../../errors.js';
import type { MsrpOffer } from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import type { SipUserAgent } from '../../sip/user-agent.js';
import { fromUri } from '../../sip/user-agent-server.js';
import type { TrustList } from '../../sip/values/asserted-identity.js';
import { buildResponse } from '../../sip/wire/writer.js';
import { RequestRefused } from '../admission.js';
import type { ReceiverEvent } from '../events.js';
import { Answer, offerOf, refusalOf, SDP } from './answer.js';
import { type Addressed, admit, type Decision, decideLine } from './decisions.js';
import { IncomingMedia } from './incoming-media.js';
import { IncomingSession, InvitationDeadline } from './incoming-session.js';
import type { MediaConnector, MediaEndpoint } from './media-connector.js';

export interface SessionReceiverOptions {
  runtime: PushRuntime;
  trust: TrustList;
  connector: MediaConnector;
  limits: SessionLimits;
  accept: SipUserAgent['accept'];
  onEvent(event: ReceiverEvent): void;
}

export interface SessionLimits {
  /** Sessions at a time: each has sockets and files. */
  sessions: number;
  /** Milliseconds without a byte after which a sender is taken for gone. */
  idle: number;
}

export class SessionReceiver {
  readonly #sessions = new Set<IncomingSession>();
  /** INVITEs that are not answered yet, and those of them whose files are being decided on. */
  readonly #underWay = new Map<Promise<void>, InvitationDeadline>();
  readonly #deciding = new Set<InvitationDeadline>();
  #stopped: RequestRefused | undefined;

  constructor(private readonly options: SessionReceiverOptions) {}

  /** Answers an INVITE outside any dialog; never throws. */
  receive(transaction: ServerTransaction): Promise<void> {
    const deadline = new InvitationDeadline(transaction);
    const answered = this.#receive(transaction, deadline).finally(() => this.#underWay.delete(answered));
    this.#underWay.set(answered, deadline);
    return answered;
  }

  /** Hangs up every session: what has not come breaks off, to be resumed. */
  async stop(): Promise<void> {
    const why = new RequestRefused('busy', 'the host is being stopped');
    this.#stopped = why;
    for (const deadline of this.#underWay.values()) deadline.abort(why);
    await Promise.allSettled(this.#underWay.keys());
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
    const { runtime, trust, limits, onEvent } = this.options;
    const { request } = transaction;
    const offer = offerOf(request);
    const addressed = admit(request, offer, { runtime, trust });
    if (this.#sessions.size + this.#deciding.size >= limits.sessions) {
      throw new RequestRefused('busy', `${limits.sessions} sessions, as many as this device has at a time`);
    }
    this.#deciding.add(deadline);
    const decisions: Decision[] = [];
    try {
      // One after another: an application that has room for one file only sees that it took one.
      for (const [index, media] of offer.media.entries()) {
        decisions.push(await decideLine(media, index, addressed, { runtime, onEvent }));
        deadline.signal.throwIfAborted();
      }
      requireSome(decisions);
      await this.#open(transaction, offer, addressed, decisions, deadline.signal);
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
    addressed: Addressed,
    decisions: readonly Decision[],
    signal: AbortSignal,
  ): Promise<void> {
    const { connector, runtime, limits, accept } = this.options;
    const { host } = transaction.flow.local;
    const answer = new Answer(offer, host, addressed.resource, connector, runtime);
    const places: (MediaEndpoint | undefined)[] = [];
    let dialog: InviteSession;
    try {
      for (const decision of decisions) places.push(await answer.add(decision, signal));
      signal.throwIfAborted();
      dialog = accept(transaction, { headers: [SDP], body: answer.body, features: answer.features });
    } catch (error) {
      for (const place of places) place?.close();
      throw error;
    }
    const session = new IncomingSession(dialog, {
      idle: limits.idle,
      onReinvite: (reinvite) => this.#reinvited(session, reinvite, answer),
      onEnd: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    for (const [index, decision] of decisions.entries()) {
      const place = places[index];
      if (place && (decision.type === 'file' || decision.type === 'messages')) {
        session.open(index, decision.media, place, this.#line(session, addressed, index, decision));
      } else if (decision.type === 'refused') {
        this.#tell(transaction.request, 200, `file ${index + 1}: ${decision.refusal.reason}`);
      }
    }
  }

  #line(
    session: IncomingSession,
    addressed: Addressed,
    index: number,
    decision: Extract<Decision, { type: 'file' | 'messages' }>,
  ): IncomingMedia {
    const { runtime, onEvent } = this.options;
    return new IncomingMedia({
      runtime,
      addressed,
      index,
      ...(decision.type === 'file' ? { file: decision.file } : {}),
      onActivity: () => session.active(),
      onDeciding: (begun) => session.deciding(begun),
      onEvent,
    });
  }

  /** The sender closes lines (RFC 3264 8.2). Others stay as they are: new files need a session of their own. */
  #reinvited(session: IncomingSession, transaction: ServerTransaction, answer: Answer): void {
    const { request } = transaction;
    try {
      const { body, closed } = answer.again(offerOf(request));
      session.dialog.accept(transaction, { headers: [SDP], body });
      for (const index of closed) session.close(index);
    } catch (error) {
      // RFC 3261 14.2: the session goes on as it was.
      this.#refuse(transaction, error);
    }
  }

  #refuse(transaction: ServerTransaction, error: unknown): void {
    const { request } = transaction;
    // It was cancelled meanwhile.
    if (transaction.answered) return;
    const answer = refusalOf(error, transaction, this.options.runtime);
    transaction.respond(buildResponse(request, answer.status, answer));
    this.#tell(request, answer.status, error instanceof Error ? error.message : String(error));
  }

  #tell(request: SipRequest, status: number, reason: string): void {
    this.options.onEvent({
      event: 'refused',
      method: request.method,
      status,
      reason,
      from: fromUri(request),
    });
  }
}

/** Unless something is taken, or was, the INVITE is refused as its first file is; unwillingness alone is no error. */
function requireSome(decisions: readonly Decision[]): void {
  const refused = decisions.flatMap((decision) => (decision.type === 'refused' ? [decision] : []));
  const hard = refused.find(({ refusal }) => refusal.kind !== 'declined');
  if (!hard || decisions.some(({ type }) => type !== 'refused' && type !== 'closed')) return;
  const { refusal, maxSize } = hard;
  throw new RequestRefused(refusal.kind, refusal.reason, {
    ...refusal,
    maxSize,
  });
}

/** What was made ready for a file that will not come. */
function abandon(decision: Decision, why: unknown): void {
  const error = why instanceof Error ? why : new TransportError(String(why));
  if (decision.type === 'file') void decision.file.transfer.abort(error);
}
