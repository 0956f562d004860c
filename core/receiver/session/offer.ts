/** The offer in an INVITE, and what is said of one that cannot be read (RFC 3261 8.2.3, RFC 3264 5). */

import type { PushRuntime } from '../../app/runtime.js';
import { parseMediaType } from '../../content/media-type.js';
import { MalformedError, SipPushError } from '../../errors.js';
import { buildSupported, type MsrpOffer, parseOffer } from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { pushResource, RequestRefused } from '../admission.js';
import { inviteAnswer } from '../outcome.js';
import { Expired } from './incoming-session.js';

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
