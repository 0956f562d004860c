/** The offer of an INVITE and its answer: an SDP answer (TS 8.2.1.1), or a refusal (RFC 3261 §8.2.3, RFC 3264 §5). */

import { eventAppKey } from '../../app/contract/event-app-id.js';
import type { PushRuntime } from '../../app/runtime.js';
import { CPIM, MAX_WRAPPED_HEAD } from '../../content/cpim.js';
import { readMediaType } from '../../content/media-type.js';
import { partOfType } from '../../content/multipart/part-of-type.js';
import { MalformedError, SipPushError } from '../../errors.js';
import {
  type AnswerLine,
  buildAnswer,
  buildSupported,
  carriedTypes,
  type MsrpMedia,
  type MsrpOffer,
  newOrigin,
  nextOrigin,
  parseOffer,
} from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { reasonOf } from '../../text.js';
import { type AdmittedInvite, pushResource, RequestRefusedError } from '../admission.js';
import { pushFeatures } from '../capabilities.js';
import { inviteAnswer, type OutcomeAnswer, warningOf } from '../outcome.js';
import type { Decision } from './decisions.js';
import { ExpiredError } from './incoming-session.js';
import type { MediaConnector, MediaEndpoint } from './media-connector.js';

/** Media lines of one offer: the receiver decides on the files one after another. */
const MAX_LINES = 100;

const DESCRIPTION = 'application/sdp';

/** The Content-Type of offers and answers. */
export const SDP: [name: string, value: string] = ['Content-Type', DESCRIPTION];

/** The body has a type or a coding that the receiver does not support: 415 with this header. */
class UnsupportedBodyError extends SipPushError {
  static {
    UnsupportedBodyError.prototype.name = 'UnsupportedBodyError';
  }

  constructor(
    reason: string,
    readonly header: [name: string, value: string],
  ) {
    super(reason);
  }
}

/**
 * The description of the sender: an offer, or the answer in an ACK.
 * @returns undefined without a body: the sender asks for an offer (RFC 3261 §13.2.1, §14.1).
 * @throws MalformedError, UnsupportedBodyError
 */
export function offerOf({ headers, body }: SipRequest): MsrpOffer | undefined {
  if (body.length === 0) return undefined;
  const contentType = headers.get('Content-Type') ?? '';
  const type = readMediaType(contentType)?.type ?? 'no Content-Type';
  const coding = headers.getAll('Content-Encoding').find((name) => name.toLowerCase() !== 'identity');
  if (coding) {
    throw new UnsupportedBodyError(`an offer with the encoding ${coding}`, ['Accept-Encoding', 'identity']);
  }
  const description = type === DESCRIPTION ? body : partOfType(DESCRIPTION, contentType, body);
  if (!description) {
    throw new UnsupportedBodyError(`expected ${DESCRIPTION}, not ${type}`, ['Accept', DESCRIPTION]);
  }
  const offer = parseOffer(description);
  if (offer.media.length > MAX_LINES) {
    throw new MalformedError(`${offer.media.length} media lines; at most ${MAX_LINES} are accepted`);
  }
  return offer;
}

/** What a sender without an offer could send: the receiver offers to receive it over TCP. */
export const ANY_MEDIA: MsrpMedia = {
  type: 'message',
  port: 9,
  protocol: 'TCP/MSRP',
  formats: '*',
  host: '',
  path: [],
  acceptTypes: ['*'],
  acceptWrappedTypes: ['*'],
  direction: 'sendonly',
  setup: 'passive',
  fingerprints: [],
};

/** The answers to the offers of one session, or the offer that this end makes. */
export class Answer {
  #lines: AnswerLine[] = [];
  #origin = newOrigin();

  /** @param host the address of this device towards the core. */
  constructor(
    private offer: MsrpOffer,
    private readonly host: string,
    private readonly invite: AdmittedInvite,
    private readonly connector: MediaConnector,
    private readonly runtime: PushRuntime,
  ) {}

  /**
   * Adds the next line.
   * @returns the MSRP endpoint of an accepted line.
   * @throws RequestRefusedError, ConfigurationError if no endpoint is available; the reason of the signal.
   */
  async add(decision: Decision, signal: AbortSignal): Promise<MediaEndpoint | undefined> {
    if (decision.type === 'file' || decision.type === 'messages') return await this.#accept(decision, signal);
    this.#lines.push({ type: 'refused' });
    return undefined;
  }

  /** Parameters of the Contact: the requested features that this device has (TS B.4). */
  get features(): string[] {
    const { eventAppIds, iari } = this.invite.resource;
    const { runtime } = this;
    const known = new Set(runtime.eventAppIds.map(eventAppKey));
    const ids = eventAppIds.filter((id) => known.has(eventAppKey(id)));
    return pushFeatures(ids, iari !== undefined && runtime.iaris.includes(iari) ? [iari] : []);
  }

  get body(): Uint8Array {
    return buildAnswer(this.offer, { origin: this.#origin, host: this.host, lines: this.#lines });
  }

  /**
   * Answers a later offer of the session. The offer can close lines; lines that it adds or changes are refused.
   * @returns `closed`: the indexes of lines that were open.
   * @throws MalformedError if there are fewer lines than before.
   */
  update(offer: MsrpOffer): { body: Uint8Array; closed: number[] } {
    const { offer: before, body: last } = this;
    const lines = this.#lines;
    // RFC 3264 §8: an offer closes lines, it does not remove them.
    if (offer.media.length < lines.length) {
      throw new MalformedError(`${offer.media.length} m= lines: expected ${lines.length} or more`);
    }
    this.#lines = offer.media.map((media, index) => {
      const line = lines[index];
      return line && isSame(media, before.media[index]) ? line : { type: 'refused' };
    });
    this.offer = offer;
    // RFC 3264 §8: a new version only for a different description.
    if (!sameBytes(this.body, last)) this.#origin = nextOrigin(this.#origin);
    const closed = lines.flatMap(({ type }, index) =>
      type === 'accepted' && this.#lines[index]?.type !== 'accepted' ? [index] : [],
    );
    return { body: this.body, closed };
  }

  /** The sender answered an offer of this end. */
  answered(offer: MsrpOffer): void {
    this.offer = offer;
  }

  /**
   * Closes the lines that the sender's answer to an offer of this end closes.
   * @returns the indexes of lines that were open.
   */
  closedBy({ media }: MsrpOffer): number[] {
    const closed = this.#lines.flatMap(({ type }, index) =>
      type === 'accepted' && media[index]?.port === 0 ? [index] : [],
    );
    for (const index of closed) this.#lines[index] = { type: 'refused' };
    if (closed.length > 0) this.#origin = nextOrigin(this.#origin);
    return closed;
  }

  async #accept(
    decision: Extract<Decision, { type: 'file' | 'messages' }>,
    signal: AbortSignal,
  ): Promise<MediaEndpoint> {
    const { apps } = this.invite;
    const endpoint = await this.connector.open(decision.media, this.host, signal);
    const { port, path } = endpoint;
    const file = decision.type === 'file' ? decision.file : undefined;
    const types = [...new Set(apps.flatMap(({ accepts }) => accepts))];
    const { contained } = carriedTypes(decision.media);
    // 8.2.1-07: the limit of the file's application; of any addressed application for messages.
    const largest = file?.largest ?? Math.max(...apps.map((app) => this.runtime.largestTransfer(app)));
    this.#lines.push({
      type: 'accepted',
      port,
      path,
      acceptTypes: contained && !types.includes(CPIM) ? [...types, CPIM] : types,
      acceptWrappedTypes: contained ? types : undefined,
      // RFC 4975 §8.6: of a message as a whole, with its container. The limit of the content is checked as it arrives.
      maxSize: contained ? largest + MAX_WRAPPED_HEAD : largest,
      range: file && file.start > 0 ? { start: file.start + 1 } : undefined,
    });
    return endpoint;
  }
}

type Line = MsrpOffer['media'][number];

/** Whether a line is open, and has the same file and the same path. */
function isSame(media: Line | undefined, before: Line | undefined): boolean {
  if (!media || !before || !('path' in media) || !('path' in before) || media.port === 0) return false;
  return (
    media.path.join(' ') === before.path.join(' ') &&
    media.file?.transferId === before.file?.transferId &&
    media.file?.selector.sha1 === before.file?.selector.sha1
  );
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}

/** The answer to an INVITE that does not establish or change a session (TS 8.2.1, RFC 3261 §21). */
export interface InviteRefusal extends Partial<OutcomeAnswer> {
  status: number;
  body?: Uint8Array;
}

export function refusalOf(
  error: unknown,
  { request, flow }: Pick<ServerTransaction, 'request' | 'flow'>,
  runtime: PushRuntime,
): InviteRefusal {
  if (error instanceof MalformedError) return { status: 400 };
  if (error instanceof UnsupportedBodyError) return { status: 415, headers: [error.header] };
  if (error instanceof ExpiredError) return { status: 487 };
  const { refusal, maxSize, byApplication } =
    error instanceof RequestRefusedError ? error : new RequestRefusedError('failed', reasonOf(error));
  const answer = inviteAnswer(refusal);
  if (byApplication) answer.headers.push(...warningOf(refusal));
  if (refusal.kind !== 'type' && refusal.kind !== 'size') return answer;
  // 8.2.1-01, RFC 3261 §21.4.26: what the addressed application accepts.
  const { eventAppIds, iari } = pushResource(request);
  const addressed = runtime.acceptedTypes(eventAppIds, iari);
  const acceptTypes = addressed.length > 0 ? addressed : runtime.acceptedTypes();
  // RFC 4975 §9: accept-types cannot be empty.
  if (acceptTypes.length === 0) return answer;
  const { host } = flow.local;
  const body = buildSupported({ host, acceptTypes, maxSize });
  return { ...answer, headers: [...answer.headers, SDP], body };
}
