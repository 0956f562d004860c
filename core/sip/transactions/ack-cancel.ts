/** The two requests that belong to an INVITE's own transaction, made of its headers. */

import { SipHeaders } from '../headers.js';
import { NO_BODY, type SipRequest, type SipResponse } from '../message.js';
import { parseCSeq } from '../parser.js';

/** The ACK to a final response other than 2xx (RFC 3261 17.1.1.3): To comes from the response. */
export function acknowledge(invite: SipRequest, response: SipResponse): SipRequest {
  return sibling(invite, 'ACK', response.headers.get('To'));
}

/** The CANCEL of an INVITE (RFC 3261 9.1). */
export function cancelOf(
  invite: SipRequest,
  headers: Iterable<readonly [name: string, value: string]>,
): SipRequest {
  const cancel = sibling(invite, 'CANCEL', invite.headers.get('To'));
  for (const [name, value] of headers) cancel.headers.append(name, value);
  return cancel;
}

/** Both have the INVITE's top Via, and so its branch, and travel along its Route. */
function sibling(invite: SipRequest, method: string, to = ''): SipRequest {
  const { headers } = invite;
  const number = parseCSeq(headers.get('CSeq') ?? '')?.number ?? 0;
  return {
    method,
    uri: invite.uri,
    headers: new SipHeaders()
      .set('Via', headers.get('Via') ?? '')
      .set('Max-Forwards', '70')
      .set('Route', headers.getAll('Route'))
      .set('From', headers.get('From') ?? '')
      .set('To', to)
      .set('Call-ID', headers.get('Call-ID') ?? '')
      .set('CSeq', `${number} ${method}`),
    body: NO_BODY,
  };
}
