/** Pager mode at the sender: content in a SIP MESSAGE, or a MESSAGE that refers to content (TS 8.1.2, RFC 4483). */

import { platform } from '#platform';
import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import { buildExternalBody, type ExternalBody } from '../content/external-body.js';
import { formatHttpDate } from '../content/http-headers.js';
import { formatMediaType } from '../content/media-type.js';
import { defined } from '../defined.js';
import { TimeoutError, TransportError } from '../errors.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import type { OutgoingRequest } from '../sip/user-agent-client.js';
import { isGruu, SipUri } from '../sip/values/uri.js';
import { type Addressing, addressingHeaders } from './addressing.js';
import { interpret } from './outcome.js';
import type { Publication } from './publication.js';
import type { ContentReference, Receipt } from './push-request.js';

/** The largest MESSAGE request in bytes, including its headers (8.1.2-03, RFC 3428 §8). */
export const MAX_PAGER_REQUEST = 1300;

/** The disposition of a body without Content-Disposition (RFC 3261 §20.11), sent explicitly. */
const DEFAULT_DISPOSITION = 'render';

/** The body of a MESSAGE, with the facts of its receipt. */
export interface MessageBody {
  mode: Receipt['mode'];
  type: MediaType;
  coding?: ContentCoding;
  body: Uint8Array;
  /** Size of the content, whether it is in the body or referenced. */
  bytes: number;
}

export interface MessageOptions {
  /** The same for each attempt, so that the receiver recognizes a push whose answer was lost. */
  callId: string;
  assertedIdentity?: string;
  signal?: AbortSignal;
}

/** The body of a MESSAGE that contains the content. @throws LimitError when the content alone exceeds the limit. */
export async function pagerBody(content: Content, coding?: ContentCoding): Promise<MessageBody> {
  const body = await content.bytes(MAX_PAGER_REQUEST);
  return { mode: 'pager', type: content.type, body, bytes: body.length, coding };
}

/** @throws LimitError when the request, including its headers, is too large. */
export async function sendMessage(
  agent: SipUserAgent,
  push: Addressing,
  message: MessageBody,
  { callId, assertedIdentity, signal }: MessageOptions,
): Promise<Receipt> {
  const started = performance.now();
  const { mode, bytes } = message;
  const receipt = { to: push.to, terminal: isGruu(push.to) ? push.to : undefined, mode, bytes };
  const milliseconds = () => Math.round(performance.now() - started);
  try {
    const response = await agent.request(
      { ...messageRequest(push, message, assertedIdentity), callId },
      {
        maxSize: MAX_PAGER_REQUEST,
        signal,
      },
    );
    return { ...receipt, ...interpret(response), milliseconds: milliseconds() };
  } catch (error) {
    const unreached = error instanceof TimeoutError || error instanceof TransportError;
    // Other errors are permanent, e.g. content that is too large.
    if (!unreached || signal?.aborted) throw error;
    return {
      ...receipt,
      // C-04: the sender concludes 408 from a timeout; RFC 4320 forbids the receiver to send it.
      status: error instanceof TimeoutError ? 408 : undefined,
      outcome: 'failed',
      reason: error.message,
      retryable: true,
      milliseconds: milliseconds(),
    };
  }
}

function messageRequest(
  push: Addressing,
  { mode, type, coding, body }: MessageBody,
  assertedIdentity?: string,
): OutgoingRequest {
  return {
    method: 'MESSAGE',
    uri: push.to,
    headers: [
      ...addressingHeaders(push, assertedIdentity),
      ['Content-Type', formatMediaType(type)],
      ...(coding ? [['Content-Encoding', coding] as const] : []),
      // A device whose date is wrong knows the lifetime of the reference by it (RFC 3261 §20.17).
      ...(mode === 'indirect' ? [['Date', formatHttpDate(Date.now())] as const] : []),
    ],
    body,
  };
}

/** The body of a MESSAGE that refers to content of the application. @throws ConfigurationError for an invalid reference. */
export function referenceBody(
  content: ContentReference,
  disposition: string | undefined,
  identity: string,
): MessageBody {
  const { url, type, size, hash, expiration } = content;
  const headers = contentHeaders(disposition, identity);
  return messageBody({ url, type, size, hash, expiration: expiration?.getTime(), headers });
}

/** The body of a MESSAGE that refers to published content. */
export function publishedBody(
  { url, size, hash, expiration, content, coding }: Publication,
  disposition: string | undefined,
  identity: string,
): MessageBody {
  const headers = { ...contentHeaders(disposition, identity), ...defined({ 'content-encoding': coding }) };
  return messageBody({ url, type: content.type, size, hash, expiration, headers });
}

function messageBody(reference: ExternalBody): MessageBody {
  return { mode: 'indirect', ...buildExternalBody(reference), bytes: reference.size ?? 0 };
}

/** Headers of the referenced content; its Content-ID lets a terminal recognise it (RFC 2046 §5.2.3). */
function contentHeaders(disposition = DEFAULT_DISPOSITION, identity: string): Record<string, string> {
  const host = SipUri.parse(identity)?.host ?? 'localhost';
  return { 'content-id': `<${platform.randomHex(16)}@${host}>`, 'content-disposition': disposition };
}
