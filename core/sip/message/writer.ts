/** Writes SIP messages to bytes, and builds responses to requests. */

import { platform } from '#platform';
import { MalformedError } from '../../errors.js';
import { isToken } from './grammar.js';
import {
  isRequest,
  NO_BODY,
  SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.js';

/** RFC 3261 §21, RFC 3265 §7.3.2, RFC 3312, 3329, 3903, 4028, 4412, 5360, 5626, 5839, 6086, 6442. */
const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  204: 'No Notification',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  412: 'Conditional Request Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  417: 'Unknown Resource-Priority',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  424: 'Bad Location Information',
  428: 'Use Identity Header',
  429: 'Provide Referrer Identity',
  430: 'Flow Failed',
  433: 'Anonymity Disallowed',
  439: 'First Hop Lacks Outbound Support',
  469: 'Bad Info Package',
  470: 'Consent Needed',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  493: 'Undecipherable',
  494: 'Security Agreement Required',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  580: 'Precondition Failure',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

/** The reason phrase of a status; of an unknown one that of its class (RFC 3261 §8.1.3.2 treats it as x00). */
export function reasonPhrase(status: number): string {
  return REASON_PHRASES[status] ?? REASON_PHRASES[Math.floor(status / 100) * 100] ?? 'Unknown';
}

/** A standard defines this status. */
export function isKnownStatus(status: number): boolean {
  return Object.hasOwn(REASON_PHRASES, status);
}

const encoder = new TextEncoder();

/** RFC 3261 §19.3 requires 32 random bits; 64 also keep the tags of a million calls distinct. */
const TAG_BYTES = 8;

/**
 * The bytes of a message. Content-Length is the size of the body; a value in the headers is ignored.
 * @throws MalformedError for an invalid start line.
 */
export function writeMessage(message: SipMessage): Uint8Array {
  let head = `${startLine(message)}\r\n`;
  for (const [name, value] of message.headers.entries()) {
    if (name !== 'Content-Length') head += value === '' ? `${name}:\r\n` : `${name}: ${value}\r\n`;
  }
  const { body } = message;
  const headBytes = encoder.encode(`${head}Content-Length: ${body.length}\r\n\r\n`);
  if (body.length === 0) return headBytes;
  const bytes = new Uint8Array(headBytes.length + body.length);
  bytes.set(headBytes);
  bytes.set(body, headBytes.length);
  return bytes;
}

function startLine(message: SipMessage): string {
  if (isRequest(message)) {
    const { method, uri } = message;
    if (!isToken(method) || uri === '' || /\s/.test(uri)) {
      throw new MalformedError(
        `invalid request line ${JSON.stringify(`${method} ${uri}`)}: expected a method and a URI`,
      );
    }
    return `${method} ${uri} SIP/2.0`;
  }
  const { status, reason } = message;
  if (!Number.isInteger(status) || status < 100 || status > 699 || /[\r\n]/.test(reason)) {
    throw new MalformedError(
      `invalid status line ${JSON.stringify(`${status} ${reason}`)}: expected a status and a reason`,
    );
  }
  return `SIP/2.0 ${status} ${reason}`;
}

export interface ResponseOptions {
  /** Default: the reason phrase of the status. */
  reason?: string;
  headers?: Iterable<readonly [name: string, value: string]>;
  body?: Uint8Array;
  /** The To tag, if the request has none. Default: a random one. */
  toTag?: string;
}

/** Copied from the request, in this order (RFC 3261 §8.2.6.2). */
const COPIED = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];

/**
 * A response with the headers that RFC 3261 §8.2.6 copies from the request, unchanged. The caller adds Record-Route,
 * Contact and others. Of a malformed request, the headers that exist are copied.
 */
export function buildResponse(
  request: SipRequest,
  status: number,
  options: ResponseOptions = {},
): SipResponse {
  const { to } = request.headers;
  const addsTag = status > 100 && to !== undefined && to.tag === undefined;
  const headers = new SipHeaders();
  for (const name of COPIED) {
    const value = name === 'To' && addsTag ? request.headers.get(name) : undefined;
    if (value === undefined) headers.appendFrom(request.headers, name);
    else headers.append(name, `${value};tag=${options.toTag ?? platform.randomHex(TAG_BYTES)}`);
  }
  if (status === 100) headers.appendFrom(request.headers, 'Timestamp');
  for (const [name, value] of options.headers ?? []) headers.append(name, value);
  return { status, reason: options.reason ?? reasonPhrase(status), headers, body: options.body ?? NO_BODY };
}
