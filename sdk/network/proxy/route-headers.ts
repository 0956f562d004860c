/** Route and Record-Route of received and sent requests (RFC 3261 §16.4, §16.6). */

import type { SipRequest } from '../../../core/sip/message/message.js';
import { parseNameAddr } from '../../../core/sip/values/name-addr.js';
import { SipUri } from '../../../core/sip/values/uri.js';

/** A copy with headers of its own: the transaction keeps the original. */
export function copyOf(request: SipRequest): SipRequest {
  return { ...request, headers: request.headers.clone() };
}

/**
 * Removes the Route values that name this network, and returns the user part of the last one, which names a flow. There are
 * two of ours, the sender's side first (RFC 5658), so the last one is the side of the destination.
 */
export function removeOwnRoutes(request: SipRequest, isOurs: (uri: SipUri) => boolean): string | undefined {
  const { headers } = request;
  undoStrictRoute(request, isOurs);
  let token: string | undefined;
  for (let route = headers.get('Route'); route !== undefined; route = headers.get('Route')) {
    const uri = SipUri.parse(parseNameAddr(route)?.uri ?? '');
    if (!uri || !isOurs(uri)) break;
    headers.removeFirst('Route');
    token = uri.user;
  }
  return token;
}

/** RFC 3261 §16.4: a strict router put our Record-Route into the Request-URI, and the target at the end of Route. */
function undoStrictRoute(request: SipRequest, isOurs: (uri: SipUri) => boolean): void {
  const { headers } = request;
  const uri = SipUri.parse(request.uri);
  if (!uri?.parameters.has('lr') || !isOurs(uri)) return;
  const routes = headers.getAll('Route');
  const target = parseNameAddr(routes.pop() ?? '');
  if (!target) return;
  headers.set('Route', [`<${request.uri}>`, ...routes]);
  request.uri = target.uri;
}

/** The URI of the first Route value. Undefined without one, or if it is not a SIP URI. */
export function firstRoute({ headers }: SipRequest): SipUri | undefined {
  return SipUri.parse(parseNameAddr(headers.get('Route') ?? '')?.uri ?? '');
}

/** RFC 3261 §16.6 step 6: a next hop without `lr` is a strict router: its URI becomes the Request-URI. */
export function applyStrictRoute(request: SipRequest): void {
  const first = firstRoute(request);
  if (!first || first.parameters.has('lr')) return;
  request.headers.removeFirst('Route');
  request.headers.set('Route', [...request.headers.getAll('Route'), `<${request.uri}>`]);
  request.uri = first.toString();
}
