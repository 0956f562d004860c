/** Session mode at the receiver: files over MSRP, in a session set up by INVITE (TS 8.2.1). */

import type { PushRuntime } from '../../app/runtime.js';
import { parseMediaType } from '../../content/media-type.js';
import { MalformedError, TransportError } from '../../errors.js';
import { buildSupported, type MsrpOffer, parseOffer } from '../../sdp/index.js';
import type { SipUserAgent } from '../../sip/agent.js';
import type { TrustList } from '../../sip/asserted-identity.js';
import type { SipRequest } from '../../sip/message.js';
import { fromUri } from '../../sip/server.js';
import type { ServerTransaction } from '../../sip/transactions/server.js';
import { buildResponse } from '../../sip/writer.js';
import type { ReceiverEvent } from '../events.js';
import { inviteAnswer } from '../outcome.js';
import { TurnedAway } from '../turned-away.js';
import { Answer } from './answer.js';
import { type Addressed, type Decision, decide } from './decisions.js';
import { IncomingMedia } from './incoming-media.js';
import { IncomingSession } from './incoming-session.js';
import type { MediaConnector, MediaPlace } from './media-connector.js';

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

/** Lines of one offer: as many files are offered one after another. */
const MAX_LINES = 100;

export class SessionReceiver {
  readonly #sessions = new Set<IncomingSession>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(private readonly options: SessionReceiverOptions) {}

  /** Answers an INVITE outside any dialog; never throws. */
  receive(transaction: ServerTransaction): Promise<void> {
    const answered = this.#receive(transaction).finally(() => this.#underWay.delete(answered));
    this.#underWay.add(answered);
    return answered;
  }

  /** Hangs up every session: what has not come breaks off, to be resumed. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    const why = new TransportError('the host is being stopped');
    await Promise.all(Array.from(this.#sessions, (session) => session.bye(why)));
    await this.options.connector.close();
  }

  async #receive(transaction: ServerTransaction): Promise<void> {
    try {
      await this.#invited(transaction);
    } catch (error) {
      this.#refuse(transaction, error);
    }
  }

  async #invited(transaction: ServerTransaction): Promise<void> {
    const { runtime, trust, limits } = this.options;
    const { request } = transaction;
    const offer = offerOf(request);
    const { addressed, decisions } = await decide(request, offer, { runtime, trust });
    try {
      requireSome(decisions);
      if (this.#sessions.size >= limits.sessions) {
        throw new TurnedAway('busy', `${limits.sessions} sessions, as many as this device has at a time`);
      }
      await this.#open(transaction, offer, addressed, decisions);
    } catch (error) {
      for (const decision of decisions) abandon(decision, error);
      throw error;
    }
  }

  async #open(
    transaction: ServerTransaction,
    offer: MsrpOffer,
    addressed: Addressed,
    decisions: readonly Decision[],
  ): Promise<void> {
    const { connector, runtime, limits, accept } = this.options;
    const answer = new Answer(transaction.flow.local.host, addressed.resource, connector, runtime);
    const places: (MediaPlace | undefined)[] = [];
    for (const decision of decisions) places.push(await answer.add(decision));
    const body = answer.body(offer);
    const dialog = accept(transaction, { headers: [SDP], body });
    const session = new IncomingSession(dialog, {
      connector,
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

  /** The sender closes lines that are done (RFC 3264 8.2). Others stay as they are: new files need a session of their own. */
  #reinvited(session: IncomingSession, transaction: ServerTransaction, answer: Answer): void {
    const { request } = transaction;
    try {
      const offer = offerOf(request);
      const body = answer.again(offer);
      session.dialog.accept(transaction, { headers: [SDP], body });
      for (const [index, media] of offer.media.entries()) if (media.port === 0) session.close(index);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      transaction.respond(buildResponse(request, 488));
      this.#tell(request, 488, error.message);
    }
  }

  #refuse(transaction: ServerTransaction, error: unknown): void {
    const { request } = transaction;
    // It was cancelled meanwhile, or the host is being stopped.
    if (transaction.answered) return;
    const answer = this.#refusal(error, transaction.flow.local.host);
    transaction.respond(buildResponse(request, answer.status, answer));
    this.#tell(request, answer.status, error instanceof Error ? error.message : String(error));
  }

  #refusal(error: unknown, host: string): Parameters<typeof buildResponse>[2] & { status: number } {
    if (error instanceof MalformedError) return { status: 400 };
    const { kind, retryAfter, maxSize } =
      error instanceof TurnedAway ? error : new TurnedAway('failed', String(error));
    const wait = retryAfter === undefined ? {} : { retryAfter };
    const answer = inviteAnswer({ kind, reason: String(error), ...wait });
    if (kind !== 'type' && kind !== 'size') return answer;
    // 8.2.1-01, RFC 3261 21.4.26: what would be taken instead.
    const acceptTypes = this.options.runtime.acceptedTypes();
    const body = buildSupported({ host, acceptTypes, ...(maxSize === undefined ? {} : { maxSize }) });
    return { ...answer, headers: [...answer.headers, SDP], body };
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

const SDP: [name: string, value: string] = ['Content-Type', 'application/sdp'];

/** @throws MalformedError; TurnedAway where there is none, as in an INVITE that wants us to offer. */
function offerOf(request: SipRequest): MsrpOffer {
  const type = parseMediaType(request.headers.get('Content-Type') ?? '')?.type;
  if (request.body.length === 0 || type !== 'application/sdp') {
    throw new TurnedAway(
      'type',
      `an offer in application/sdp is expected, not ${type ?? 'an INVITE without one'}`,
    );
  }
  const offer = parseOffer(request.body);
  if (offer.media.length > MAX_LINES) {
    throw new MalformedError(`${offer.media.length} media lines; at most ${MAX_LINES} are taken`);
  }
  return offer;
}

/** Unless something is taken, or was, the INVITE is refused as its first file is; unwillingness alone is no error. */
function requireSome(decisions: readonly Decision[]): void {
  const refused = decisions.flatMap((decision) => (decision.type === 'refused' ? [decision] : []));
  const hard = refused.find(({ refusal }) => refusal.kind !== 'declined');
  if (!hard || decisions.some(({ type }) => type !== 'refused' && type !== 'closed')) return;
  const { refusal, maxSize } = hard;
  throw new TurnedAway(refusal.kind, refusal.reason, {
    ...refusal,
    ...(maxSize === undefined ? {} : { maxSize }),
  });
}

/** What was made ready for a file that will not come. */
function abandon(decision: Decision, why: unknown): void {
  const error = why instanceof Error ? why : new TransportError(String(why));
  if (decision.type === 'file') void decision.file.transfer.abort(error);
}
