/** Selects the final response of a forked request (RFC 3261 §16.7 steps 6 and 7). */

import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';

/** RFC 3261 §16.7 step 6: these tell the caller how to retry. */
const INFORMATIVE = new Set([401, 407, 415, 420, 484]);
const CHALLENGES = ['WWW-Authenticate', 'Proxy-Authenticate'];

/**
 * Selects from responses of 300 and more, with the Via of `request` on top: a 6xx, else one of the lowest class. Changes
 * are made in a copy.
 */
export function bestResponse(request: SipRequest, responses: readonly SipResponse[]): SipResponse {
  const best = responses.reduce<SipResponse | undefined>(
    (best, response) => (best && rank(best) <= rank(response) ? best : response),
    undefined,
  );
  if (!best) return buildResponse(request, 480);
  if (best.status === 401 || best.status === 407) return withAllChallenges(best, responses);
  if (best.status === 503) return ofTarget(best);
  // RFC 5626 §5.3.1: a failed flow concerns only this proxy. RFC 4320 §4.2: a 408 to a non-INVITE is useless.
  const hidden = best.status === 430 || (best.status === 408 && request.method !== 'INVITE');
  return hidden ? buildResponse(request, 480) : best;
}

/** The lower the better. */
function rank({ status }: SipResponse): number {
  if (status >= 600) return 0;
  const byClass = Math.floor(status / 100) * 10;
  if (INFORMATIVE.has(status)) return byClass;
  // A response of a device is more useful than one that this proxy generated.
  return status === 408 || status === 430 || status === 503 ? byClass + 2 : byClass + 1;
}

/** RFC 3261 §16.7 step 7: the caller answers the challenges of all branches together. */
function withAllChallenges(best: SipResponse, responses: readonly SipResponse[]): SipResponse {
  const headers = best.headers.clone();
  for (const response of responses) {
    if (response === best || (response.status !== 401 && response.status !== 407)) continue;
    for (const name of CHALLENGES) {
      for (const challenge of response.headers.getAll(name)) headers.append(name, challenge);
    }
  }
  return { ...best, headers };
}

/**
 * RFC 3261 §16.7 step 6: a 503 would mean that this proxy is overloaded, and not one target. Retry-After remains, so that
 * the caller delays requests to that target.
 */
function ofTarget(best: SipResponse): SipResponse {
  return { ...best, status: 500, reason: 'Server Internal Error' };
}
