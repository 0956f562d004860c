/** How an INVITE is answered that does not become a session, or does not change one (TS 8.2.1, RFC 3261 21). */

import type { PushRuntime } from '../../app/runtime.js';
import { MalformedError } from '../../errors.js';
import { buildSupported } from '../../sdp/index.js';
import type { ServerTransaction } from '../../sip/transactions/server.js';
import { inviteAnswer } from '../outcome.js';
import { pushResource } from '../resource.js';
import { TurnedAway } from '../turned-away.js';
import { Expired } from './invitation-deadline.js';
import { SDP, UnsupportedBody } from './offer.js';

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
    error instanceof TurnedAway ? error : new TurnedAway('failed', String(error));
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
  const body = buildSupported({ host, acceptTypes, ...(maxSize === undefined ? {} : { maxSize }) });
  return { ...answer, headers: [...answer.headers, SDP], body };
}
