/** Where a response travels (RFC 3261 18.2.2, RFC 3581 4). */

import type { SipFlow } from './flow.js';
import type { SipRequest } from './message.js';
import { Via } from './via.js';

/** Of a sent-by without a port, over UDP. */
const DEFAULT_PORT = 5060;

/**
 * Over a connection: that connection. Over UDP: the address the request came from, and the port it came from
 * where the client asked for it by `rport`, else the port of its Via. `maddr` is not followed, though 18.2.2 puts it
 * first: it lets anybody aim our responses at anybody.
 */
export function responseFlow(request: SipRequest, flow: SipFlow): SipFlow {
  if (flow.reliable || !flow.to) return flow;
  const via = Via.parse(request.headers.get('Via') ?? '');
  if (!via || via.parameters.has('rport')) return flow;
  const port = via.port ?? DEFAULT_PORT;
  return port === flow.remote.port || port === 0 ? flow : flow.to({ host: flow.remote.host, port });
}
