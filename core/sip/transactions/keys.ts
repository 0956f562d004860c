/** How messages are matched to transactions (RFC 3261 17.1.3 and 17.2.3). */

import type { SipHeaders } from '../message/headers.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../values/name-addr.js';
import type { Via } from '../values/via.js';
import { parseCSeq } from '../wire/parser.js';

const MAGIC_COOKIE = 'z9hG4bK';

export function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** An ACK and a CANCEL have the key of their INVITE when `method` says so. */
export function serverKey(request: SipRequest, via: Via, method = request.method): string {
  const { branch } = via;
  if (branch?.startsWith(MAGIC_COOKIE)) return `${branch} ${via.sentBy.toLowerCase()} ${method}`;
  // A client of RFC 2543: all that a retransmission, an ACK and a CANCEL share with the request. The To tag is
  // not among it, since an ACK has that of the response.
  const { headers, uri } = request;
  return `${headers.get('Call-ID')} ${cseqNumber(headers)} ${fromTag(headers)} ${uri} ${via} ${method}`;
}

/** RFC 3261 8.2.2.2: the same request that came by two paths. Undefined inside a dialog. */
export function mergedKey({ headers, method }: SipRequest): string | undefined {
  if (tag(headers, 'To') !== undefined) return undefined;
  return `${headers.get('Call-ID')} ${cseqNumber(headers)} ${fromTag(headers)} ${method}`;
}

/** What a 2xx to INVITE and its ACK share: the dialog and the number. The ACK has a branch of its own. */
export function acknowledgementKey(headers: SipHeaders): string {
  return `${headers.get('Call-ID')} ${cseqNumber(headers)} ${fromTag(headers)} ${tag(headers, 'To')}`;
}

export function tag(headers: SipHeaders, name: 'From' | 'To'): string | undefined {
  return parseNameAddr(headers.get(name) ?? '')?.tag;
}

function fromTag(headers: SipHeaders): string | undefined {
  return tag(headers, 'From');
}

function cseqNumber(headers: SipHeaders): number | undefined {
  return parseCSeq(headers.get('CSeq') ?? '')?.number;
}
