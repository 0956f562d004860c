/** A SIP message that an agent of the demo sent or received, as a step of the ladder on the page. */

import { PUSH_FEATURE_TAG } from '../../../core/app/contract/event-app-id.js';
import { isRequest, type SipMessage } from '../../../core/sip/message/message.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { parseMessage } from '../../../core/sip/wire/parser.js';
import type { Agent, LadderStep } from './events.js';
import { messageText } from './message-text.js';

/** Answers that only ask for credentials are no failures. */
const CHALLENGES = new Set([401, 407]);
/** The event-app-ids of an Accept-Contact or Contact, `+g.oma.pusheventapp="mms.ua"`. */
const APPLICATIONS = new RegExp(`${PUSH_FEATURE_TAG.replace(/[+.]/g, '\\$&')}="([^"]{1,200})"`, 'i');

/** What a body is, where it is not the content itself. */
const CARRIED = new Map([
  ['message/external-body', 'a reference, '],
  ['application/sdp', 'an offer, '],
]);

/** Undefined for what is no SIP message. */
export function ladderStep(
  agent: Agent,
  direction: 'in' | 'out',
  bytes: Uint8Array,
  { transport }: SipFlow,
): LadderStep | undefined {
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch {
    return undefined;
  }
  const { headers } = message;
  return {
    kind: 'step',
    agent,
    sent: direction === 'out',
    exchange: headers.get('Call-ID') ?? '',
    transport,
    bytes: bytes.length,
    text: messageText(bytes),
    ...(isRequest(message)
      ? { label: message.method, note: about(message.method, message), response: false, failed: false }
      : {
          label: `${message.status} ${message.reason}`,
          note: `to ${(headers.get('CSeq') ?? '').replace(/^\d+ /, '')}`,
          response: true,
          failed: message.status >= 400 && !CHALLENGES.has(message.status),
        }),
  };
}

function about(method: string, { headers, body }: SipMessage): string {
  const apps = APPLICATIONS.exec(
    [...headers.getAll('Accept-Contact'), ...headers.getAll('Contact')].join('\n'),
  )?.[1];
  const proof =
    headers.has('Authorization') || headers.has('Proxy-Authorization') ? ', with credentials' : '';
  if (method === 'REGISTER') {
    const leaving = headers.get('Contact')?.includes('expires=0') ?? false;
    return `${leaving ? 'leaves' : `with ${apps ?? 'no application'}`}${proof}`;
  }
  const type = headers.get('Content-Type')?.split(';', 1)[0] ?? '';
  const content = body.length > 0 ? `${CARRIED.get(type) ?? ''}${body.length} bytes ` : '';
  return `${content}${apps === undefined ? '' : `for ${apps}`}${proof}`.trim();
}
