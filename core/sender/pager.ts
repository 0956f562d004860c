/** Pager mode at the sender: content in a SIP MESSAGE (TS 8.1.2). */

import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/encoding/coding.js';
import { formatMediaType } from '../content/media-type.js';
import { TimeoutError, TransportError } from '../errors.js';
import type { SipUserAgent } from '../sip/agent.js';
import type { OutgoingRequest } from '../sip/client.js';
import { type Addressing, addressingHeaders, isGruu } from './addressing.js';
import { interpret } from './outcome.js';
import type { Receipt } from './push-request.js';

/** 8.1.2-03, RFC 3428 8: the largest MESSAGE request as a whole, bytes. */
export const MAX_PAGER_REQUEST = 1300;

/** What goes into a MESSAGE, and what its receipt says of it. */
export interface MessageBody {
  mode: Receipt['mode'];
  type: MediaType;
  coding?: ContentCoding;
  body: Uint8Array;
  /** Of the content, wherever it is. */
  bytes: number;
}

export interface MessageOptions {
  assertedIdentity?: string;
  signal?: AbortSignal;
}

/** The content itself. @throws LimitError when it is larger than any MESSAGE. */
export async function pagerBody(content: Content, coding?: ContentCoding): Promise<MessageBody> {
  const body = await content.bytes(MAX_PAGER_REQUEST);
  return { mode: 'pager', type: content.type, body, bytes: body.length, ...(coding ? { coding } : {}) };
}

/** @throws LimitError when the request as a whole is too large. */
export async function sendMessage(
  agent: SipUserAgent,
  push: Addressing,
  message: MessageBody,
  { assertedIdentity, signal }: MessageOptions,
): Promise<Receipt> {
  const started = performance.now();
  const { mode, bytes } = message;
  const receipt = { to: push.to, ...(isGruu(push.to) ? { terminal: push.to } : {}), mode, bytes };
  const milliseconds = () => Math.round(performance.now() - started);
  try {
    const response = await agent.request(messageRequest(push, message, assertedIdentity), {
      maxSize: MAX_PAGER_REQUEST,
      ...(signal ? { signal } : {}),
    });
    return { ...receipt, ...interpret(response), milliseconds: milliseconds() };
  } catch (error) {
    const unreached = error instanceof TimeoutError || error instanceof TransportError;
    // Anything else will not change by trying again: the content is too large, a value cannot be written.
    if (!unreached || signal?.aborted) throw error;
    const reason = error.message;
    // C-04: what a sender concludes when nobody answers; RFC 4320 forbids the receiver to say it.
    const status = error instanceof TimeoutError ? { status: 408 } : {};
    return {
      ...receipt,
      ...status,
      outcome: 'failed',
      reason,
      retryable: true,
      milliseconds: milliseconds(),
    };
  }
}

function messageRequest(
  push: Addressing,
  { type, coding, body }: MessageBody,
  assertedIdentity?: string,
): OutgoingRequest {
  return {
    method: 'MESSAGE',
    uri: push.to,
    headers: [
      ...addressingHeaders(push, assertedIdentity),
      ['Content-Type', formatMediaType(type)],
      ...(coding ? [['Content-Encoding', coding] as const] : []),
    ],
    body,
  };
}
