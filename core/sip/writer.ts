/** SIP messages to bytes, and responses to requests. */

import { platform } from '#platform';
import { MalformedError } from '../errors.js';
import { isToken } from './grammar.js';
import { headerName } from './header-names.js';
import { SipHeaders } from './headers.js';
import { isRequest, NO_BODY, type SipMessage, type SipRequest, type SipResponse } from './message.js';
import { parseNameAddr } from './name-addr.js';
import { reasonPhrase } from './reason-phrases.js';

export { reasonPhrase } from './reason-phrases.js';

const encoder = new TextEncoder();

/** RFC 3261 19.3 asks for 32 random bits at least; 64 also keep the tags of a million calls apart. */
const TAG_BYTES = 8;

/**
 * The message as it goes on the wire. Content-Length is that of the body, whatever the headers say.
 * Throws MalformedError for a start line that would not be one.
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
      throw new MalformedError(`${JSON.stringify(`${method} ${uri}`)} is no start of a request line`);
    }
    return `${method} ${uri} SIP/2.0`;
  }
  const { status, reason } = message;
  if (!Number.isInteger(status) || status < 100 || status > 699 || /[\r\n]/.test(reason)) {
    throw new MalformedError(`${JSON.stringify(`${status} ${reason}`)} is no status and reason`);
  }
  return `SIP/2.0 ${status} ${reason}`;
}

export interface ResponseOptions {
  /** The usual phrase of the status when absent. */
  reason?: string;
  headers?: Iterable<readonly [name: string, value: string]>;
  body?: Uint8Array;
  /** Tag put on To where the request has none there; a random one when absent. */
  toTag?: string;
}

/** Copied from the request, in this order (RFC 3261 8.2.6.2). */
const COPIED = ['via', 'from', 'to', 'call-id', 'cseq'];

/**
 * A response with what RFC 3261 8.2.6 copies from the request, as it stood there; Record-Route, Contact and the
 * like are the caller's. A malformed request is answered with those headers that it has.
 */
export function buildResponse(
  request: SipRequest,
  status: number,
  options: ResponseOptions = {},
): SipResponse {
  const headers = new SipHeaders();
  const lines = Array.from(request.headers.entries(), ([name, value]) => ({
    header: headerName(name),
    value,
  }));
  for (const key of status === 100 ? [...COPIED, 'timestamp'] : COPIED) {
    for (const { header, value } of lines) {
      if (header.key !== key) continue;
      const tagged = key === 'to' && status > 100 && lacksTag(value);
      const tag = tagged ? `;tag=${options.toTag ?? platform.randomHex(TAG_BYTES)}` : '';
      headers.appendParsed(header, `${value}${tag}`);
      // A malformed request may have two of these: one answers it.
      if (header.singleBit !== 0) break;
    }
  }
  for (const [name, value] of options.headers ?? []) headers.append(name, value);
  return { status, reason: options.reason ?? reasonPhrase(status), headers, body: options.body ?? NO_BODY };
}

function lacksTag(to: string): boolean {
  const parsed = parseNameAddr(to);
  return parsed !== undefined && parsed.tag === undefined;
}
