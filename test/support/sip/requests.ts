/** SIP requests for tests, as text. */

import { isRequest, type SipRequest } from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';

const encoder = new TextEncoder();
let serial = 0;

/** A request with all mandatory headers; `lines` are further headers, each `Name: value`. */
export function request(
  method: string,
  uri: string,
  lines: readonly string[] = [],
  body: string | Uint8Array = '',
): SipRequest {
  serial++;
  const bytes = typeof body === 'string' ? encoder.encode(body) : body;
  const head = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bKtest${serial}`,
    'Max-Forwards: 70',
    `From: <sip:psa@domain.test>;tag=from${serial}`,
    `To: <${uri}>`,
    `Call-ID: call-${serial}@test`,
    `CSeq: 1 ${method}`,
    ...lines,
    `Content-Length: ${bytes.length}`,
    '',
    '',
  ].join('\r\n');
  const message = parseMessage(new Uint8Array([...encoder.encode(head), ...bytes]));
  if (!isRequest(message)) throw new Error('expected a request');
  return message;
}
