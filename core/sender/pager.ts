/** Pager mode at the sender: content in a SIP MESSAGE (TS 8.1.2). */

import { platform } from '#platform';
import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import { buildExternalBody, type ExternalBody } from '../content/external-body.js';
import { formatMediaType } from '../content/media-type.js';
import { TimeoutError, TransportError } from '../errors.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import type { OutgoingRequest } from '../sip/user-agent-client.js';
import { isGruu, SipUri } from '../sip/values/uri.js';
import { type Addressing, addressingHeaders } from './addressing.js';
import { interpret } from './outcome.js';
import type { Publication, Publisher } from './publisher.js';
import type { ContentReference, Receipt } from './push-request.js';
import type { PushFile } from './session/outgoing-line.js';

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
      signal,
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

/** Content by reference at the sender (TS 8.1.2 step 3, RFC 4483). */

/** Seconds: a terminal that is out of coverage comes back, and goes on where it broke off. */
const DEFAULT_LIFETIME = 3600;

/** What an entity without Content-Disposition is there for (RFC 3261 20.11), said aloud. */
const DEFAULT_DISPOSITION = 'render';

/** Content that stays with its application. @throws ConfigurationError saying what of the reference cannot be. */
export function referenceBody(
  content: ContentReference,
  disposition: string | undefined,
  identity: string,
): MessageBody {
  const { url, type, size, hash, expiration } = content;
  const reference = {
    url,
    type,
    ...(size === undefined ? {} : { size }),
    ...(hash === undefined ? {} : { hash }),
    ...(expiration === undefined ? {} : { expiration: expiration.getTime() }),
    headers: describing(disposition, identity),
  };
  return messageBody(reference);
}

/** Content that the sender keeps, until it is withdrawn or its time is over. */
export async function publishedBody(
  { content, disposition }: PushFile,
  identity: string,
  publisher: Publisher,
  lifetime = DEFAULT_LIFETIME,
  coding?: ContentCoding,
): Promise<{ message: MessageBody; publication: Publication }> {
  const publication = await publisher.publish(content, lifetime, coding);
  const { url, size, hash, expiration } = publication;
  const headers = { ...describing(disposition, identity), ...(coding ? { 'content-encoding': coding } : {}) };
  return { message: messageBody({ url, type: content.type, size, hash, expiration, headers }), publication };
}

function messageBody(reference: ExternalBody): MessageBody {
  return { mode: 'indirect', ...buildExternalBody(reference), bytes: reference.size ?? 0 };
}

/** RFC 2046 5.2.3: the content has an id, by which a terminal knows that it has it already. */
function describing(disposition = DEFAULT_DISPOSITION, identity: string): Record<string, string> {
  const host = SipUri.parse(identity)?.host ?? 'localhost';
  return { 'content-id': `<${platform.randomHex(16)}@${host}>`, 'content-disposition': disposition };
}
