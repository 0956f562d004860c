/** As whom we were called (P-Called-Party-ID, RFC 7315 4.2): a proxy has put our Contact in place of it. */

import type { SipRequest } from './message.js';
import { parseNameAddr } from './name-addr.js';
import { parseUri } from './uri.js';

/** The URI that the sender wrote, where the core tells it; else the Request-URI. */
export function calledIdentity({ headers, uri }: SipRequest): string {
  const called = parseNameAddr(headers.get('P-Called-Party-ID') ?? '')?.uri;
  return called !== undefined && parseUri(called) ? called : uri;
}
