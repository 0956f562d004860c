/** The offer in an INVITE, and what is said of one that cannot be read (RFC 3261 8.2.3, RFC 3264 5). */

import { parseMediaType } from '../../content/media-type.js';
import { MalformedError, SipPushError } from '../../errors.js';
import { type MsrpOffer, parseOffer } from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message.js';
import { TurnedAway } from '../turned-away.js';

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
  if (body.length === 0) throw new TurnedAway('type', 'an INVITE without an offer: this end makes none');
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
