/** Summarizes a message of a trace: its start line and the headers that are relevant to a push. */

import { PUSH_FEATURE_TAG } from '../../core/app/contract/event-app-id.js';
import { isRequest, type SipMessage } from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import type { TracedMessage } from './read-trace.js';

export interface Step {
  /** Start line without the version: `MESSAGE sip:bob@domain.test`, `200 OK`, `SEND`, `413 too large`. */
  line: string;
  /** The relevant headers, with the names of their specifications. */
  headers: Record<string, string>;
  /** Size of the body, with the bytes that the trace omits. */
  bodyBytes: number;
}

const SIP_HEADERS = [
  'CSeq',
  'Call-ID',
  'P-Asserted-Identity',
  'Event',
  'Subscription-State',
  'Content-Type',
  'Content-Encoding',
  'Expires',
  'Accept',
  'Retry-After',
  'Warning',
  'Reason',
];
const MSRP_HEADERS = [
  'Message-ID',
  'Byte-Range',
  'Content-Type',
  'Status',
  'Success-Report',
  'Failure-Report',
  'To-Path',
];

/** The event-app-ids in an Accept-Contact or Contact header, `+g.oma.pusheventapp="mms.ua"`. */
const APPLICATIONS = new RegExp(`${PUSH_FEATURE_TAG.replace(/[+.]/g, '\\$&')}="([^"]{1,200})"`, 'i');
const HEAD_END = '\r\n\r\n';

export function stepOf({ protocol, bytes, bodyLeft = 0 }: TracedMessage): Step {
  return protocol === 'MSRP' ? msrpStep(bytes, bodyLeft) : sipStep(bytes);
}

function sipStep(bytes: Uint8Array): Step {
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch {
    const [line = ''] = Buffer.from(bytes).toString('utf8').split('\r\n', 1);
    return { line: `(malformed) ${line}`, headers: {}, bodyBytes: 0 };
  }
  const headers: Record<string, string> = {};
  const apps = APPLICATIONS.exec(
    [...message.headers.getAll('Accept-Contact'), ...message.headers.getAll('Contact')].join('\n'),
  )?.[1];
  if (apps !== undefined) headers[PUSH_FEATURE_TAG] = apps;
  for (const name of SIP_HEADERS) {
    const value = message.headers.getAll(name).join(', ');
    if (value !== '') headers[name] = value;
  }
  const line = isRequest(message)
    ? `${message.method} ${message.uri}`
    : `${message.status} ${message.reason}`;
  return { line, headers, bodyBytes: message.body.length };
}

function msrpStep(bytes: Uint8Array, bodyLeft: number): Step {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = frame.indexOf(HEAD_END);
  // Without a body, the end-line follows the last header.
  const head = frame.toString('latin1', 0, end < 0 ? frame.length : end).split('\r\n');
  const [, id = '', line = ''] = /^MSRP (\S+) (.*)$/.exec(head[0] ?? '') ?? [];
  const headers: Record<string, string> = {};
  for (const field of head.slice(1)) {
    const [, name = '', value = ''] = /^([^:\s]+): *(.*)$/.exec(field) ?? [];
    if (MSRP_HEADERS.includes(name)) headers[name] = Buffer.from(value, 'latin1').toString();
  }
  const endLine = `\r\n-------${id}$\r\n`.length;
  const kept = end < 0 ? 0 : Math.max(0, bytes.length - end - HEAD_END.length - endLine);
  return { line, headers, bodyBytes: kept + bodyLeft };
}
