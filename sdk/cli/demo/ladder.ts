/** Describes the SIP messages of the demo's agents for the ladder on its page. */

import { PUSH_FEATURE_TAG } from '../../../core/app/contract/event-app-id.js';
import { isRequest, type SipMessage } from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import type { Agent, LadderStep } from './events.js';
import { messageText } from './message-text.js';

/** Statuses of challenges, which are not shown as failures. */
const CHALLENGES = new Set([401, 407]);
/** The event-app-ids in an Accept-Contact or Contact header, `+g.oma.pusheventapp="mms.ua"`. */
const APPLICATIONS = new RegExp(`${PUSH_FEATURE_TAG.replace(/[+.]/g, '\\$&')}="([^"]{1,200})"`, 'i');

/** Names of bodies that are not the content itself. */
const BODY_NAMES = new Map([
  ['message/external-body', 'reference'],
  ['application/sdp', 'offer'],
]);
/** These requests repeat the credentials of their INVITE (RFC 3261 §22.1). */
const REPEATS_CREDENTIALS = new Set(['ACK', 'BYE']);

/** @returns undefined if `bytes` are not a SIP message. */
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
      ? { label: message.method, note: summaryOf(message.method, message), response: false, failed: false }
      : {
          label: `${message.status} ${message.reason}`,
          note: `to ${(headers.get('CSeq') ?? '').replace(/^\d+ /, '')}`,
          response: true,
          failed: message.status >= 400 && !CHALLENGES.has(message.status),
        }),
  };
}

function summaryOf(method: string, { headers, body }: SipMessage): string {
  const tagged = [...headers.getAll('Accept-Contact'), ...headers.getAll('Contact')].join('\n');
  const apps = APPLICATIONS.exec(tagged)?.[1];
  const notes: string[] = [];
  if (method === 'REGISTER') {
    const removes = headers.get('Contact')?.includes('expires=0') ?? false;
    notes.push(removes ? 'de-registers' : `with ${apps ?? 'no application'}`);
  } else {
    const [type = ''] = headers.get('Content-Type')?.split(';', 1) ?? [];
    if (body.length > 0) notes.push(`${BODY_NAMES.get(type) ?? 'content'} of ${body.length} bytes`);
    if (apps !== undefined) notes.push(`for ${apps}`);
  }
  const authorized = headers.has('Authorization') || headers.has('Proxy-Authorization');
  if (authorized && !REPEATS_CREDENTIALS.has(method)) notes.push('with credentials');
  return notes.join(', ');
}
