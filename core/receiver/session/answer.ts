/** The offer in an INVITE, and what is said of one that cannot be read (RFC 3261 8.2.3, RFC 3264 5). */

import type { PushRuntime } from '../../app/runtime.js';
import { parseMediaType } from '../../content/media-type.js';
import { MalformedError, SipPushError } from '../../errors.js';
import {
  type AnswerLine,
  buildAnswer,
  buildSupported,
  type MsrpOffer,
  newOrigin,
  nextOrigin,
  parseOffer,
} from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { type PushResource, pushResource, RequestRefused } from '../admission.js';
import { pushFeatures } from '../capabilities.js';
import { inviteAnswer } from '../outcome.js';
import type { Decision } from './decisions.js';
import { Expired } from './incoming-session.js';
import type { MediaConnector, MediaEndpoint } from './media-connector.js';

/** Lines of one offer: as many files are offered one after another. */
const MAX_LINES = 100;

const DESCRIPTION = 'application/sdp';

/** Of what describes a session. */
export const SDP: [name: string, value: string] = ['Content-Type', DESCRIPTION];

/** A body that is no session description, or is one in disguise: 415. */
export class UnsupportedBody extends SipPushError {
  constructor(
    reason: string,
    readonly header: [name: string, value: string],
  ) {
    super(reason);
  }
}

/** @throws MalformedError; UnsupportedBody; TurnedAway where there is none, as in an INVITE that wants us to offer. */
export function offerOf({ headers, body }: SipRequest): MsrpOffer {
  if (body.length === 0) throw new RequestRefused('type', 'an INVITE without an offer: this end makes none');
  const type = parseMediaType(headers.get('Content-Type') ?? '')?.type ?? 'content without type';
  if (type !== DESCRIPTION) throw new UnsupportedBody(`${DESCRIPTION} is expected, not ${type}`, ACCEPT);
  const coding = headers.getAll('Content-Encoding').find((name) => name.toLowerCase() !== 'identity');
  if (coding)
    throw new UnsupportedBody(`an offer that is encoded: ${coding}`, ['Accept-Encoding', 'identity']);
  const offer = parseOffer(body);
  if (offer.media.length > MAX_LINES) {
    throw new MalformedError(`${offer.media.length} media lines; at most ${MAX_LINES} are taken`);
  }
  return offer;
}

const ACCEPT: [name: string, value: string] = ['Accept', DESCRIPTION];

/** How an INVITE is answered that does not become a session, or does not change one (TS 8.2.1, RFC 3261 21). */

export interface InviteRefusal {
  status: number;
  reason?: string;
  headers?: [name: string, value: string][];
  body?: Uint8Array;
}

export function refusalOf(
  error: unknown,
  { request, flow }: Pick<ServerTransaction, 'request' | 'flow'>,
  runtime: PushRuntime,
): InviteRefusal {
  if (error instanceof MalformedError) return { status: 400 };
  if (error instanceof UnsupportedBody) return { status: 415, headers: [error.header] };
  if (error instanceof Expired) return { status: 487 };
  const { kind, retryAfter, maxSize } =
    error instanceof RequestRefused ? error : new RequestRefused('failed', String(error));
  const wait = retryAfter === undefined ? {} : { retryAfter };
  const answer = inviteAnswer({ kind, reason: String(error), ...wait });
  if (kind !== 'type' && kind !== 'size') return answer;
  // 8.2.1-01, RFC 3261 21.4.26: what would be taken instead, by the application that is addressed.
  const { eventAppIds, iari } = pushResource(request);
  const addressed = runtime.acceptedTypes(eventAppIds, iari);
  const acceptTypes = addressed.length > 0 ? addressed : runtime.acceptedTypes();
  // RFC 4975 9: a list of none is no accept-types.
  if (acceptTypes.length === 0) return answer;
  const { host } = flow.local;
  const body = buildSupported({ host, acceptTypes, maxSize });
  return { ...answer, headers: [...answer.headers, SDP], body };
}

/** The answer to an offer (TS 8.2.1.1): what is taken of each line, and the name of its MSRP session. */

export class Answer {
  #lines: AnswerLine[] = [];
  #origin = newOrigin();

  /** @param host of this device, as the core sees it. */
  constructor(
    private offer: MsrpOffer,
    private readonly host: string,
    private readonly resource: PushResource,
    private readonly connector: MediaConnector,
    private readonly runtime: PushRuntime,
  ) {}

  /**
   * The next line.
   * @returns its place, where something is to come.
   * @throws TurnedAway, ConfigurationError when there is none to be had; the reason of the signal.
   */
  async add(decision: Decision, signal: AbortSignal): Promise<MediaEndpoint | undefined> {
    if (decision.type === 'had') this.#lines.push({ type: 'had' });
    else if (decision.type === 'refused' || decision.type === 'closed') this.#lines.push({ type: 'refused' });
    else return await this.#accept(decision, signal);
    return undefined;
  }

  /** Of the Contact: what was asked for, as far as it is here (TS B.4). */
  get features(): string[] {
    const { eventAppIds, iari } = this.resource;
    const here = eventAppIds.filter((id) => this.runtime.eventAppIds.includes(id));
    return pushFeatures(here, iari !== undefined && this.runtime.iaris.includes(iari) ? [iari] : []);
  }

  get body(): Uint8Array {
    return buildAnswer(this.offer, { origin: this.#origin, host: this.host, lines: this.#lines });
  }

  /**
   * To a later offer of the session, which may close lines; those that it adds, or makes others of, are refused.
   * @returns `closed`: the places of lines that were open.
   * @throws MalformedError when there are fewer lines than before.
   */
  again(offer: MsrpOffer): { body: Uint8Array; closed: number[] } {
    const { offer: before, body: last } = this;
    const lines = this.#lines;
    // RFC 3264 8: lines are closed, never taken away.
    if (offer.media.length < lines.length)
      throw new MalformedError(`of ${lines.length} m= lines some are gone`);
    this.#lines = offer.media.map((media, index) => {
      const line = lines[index];
      return line && isSame(media, before.media[index]) ? line : { type: 'refused' };
    });
    this.offer = offer;
    // RFC 3264 8: another version for another description.
    if (!sameBytes(this.body, last)) this.#origin = nextOrigin(this.#origin);
    const closed = lines.flatMap(({ type }, index) =>
      type === 'accepted' && this.#lines[index]?.type !== 'accepted' ? [index] : [],
    );
    return { body: this.body, closed };
  }

  async #accept(
    decision: Extract<Decision, { type: 'file' | 'messages' }>,
    signal: AbortSignal,
  ): Promise<MediaEndpoint> {
    const { media } = decision;
    const place = await this.connector.place(media, this.host, signal);
    const { port, path } = place;
    const { eventAppIds, iari } = this.resource;
    const file = decision.type === 'file' ? decision.file : undefined;
    const acceptTypes = this.runtime.acceptedTypes(eventAppIds, iari);
    this.#lines.push({
      type: 'accepted',
      port,
      path,
      acceptTypes,
      // 8.2.1-07: of this file's application.
      maxSize: file ? file.transfer.largest : this.#largest(acceptTypes),
      ...(file && file.start > 0 ? { range: { start: file.start + 1 } } : {}),
    });
    return place;
  }

  /** Of messages of any of these types, which may be for several applications. */
  #largest(types: readonly string[]): number {
    const { eventAppIds, iari } = this.resource;
    const apps = types.map((type) => this.runtime.resolve(eventAppIds, type, iari));
    return Math.max(
      0,
      ...apps.map((app) => (typeof app === 'string' ? 0 : this.runtime.largestTransfer(app))),
    );
  }
}

/** Whether a line is open for the same file at the same place. */
function isSame(media: Line | undefined, before: Line | undefined): boolean {
  if (!media || !before || !('path' in media) || !('path' in before) || media.port === 0) return false;
  return (
    media.path.join(' ') === before.path.join(' ') &&
    media.file?.transferId === before.file?.transferId &&
    media.file?.selector.sha1 === before.file?.selector.sha1
  );
}

type Line = MsrpOffer['media'][number];

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, index) => octet === other[index]);
}
