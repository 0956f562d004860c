/** Message/CPIM (RFC 3862): a container with headers of the message, headers of its content, and the content. */

import { MalformedError } from '../errors.js';
import type { MediaType } from './content.js';
import type { HeaderList } from './http-headers.js';
import { endOfHeaderBlock, MAX_HEAD, readEntityHead, writeEntityHead } from './multipart/entity-head.js';

export const CPIM = 'message/cpim';

/** The type of content without Content-Type (RFC 3862 §3.5). */
const PLAIN_TEXT: MediaType = { type: 'text/plain', parameters: { charset: 'utf-8' } };

/** Octets before the content. */
export const MAX_WRAPPED_HEAD = MAX_HEAD;

export interface WrappedHead {
  /** Media type of the content. */
  readonly type: MediaType;
  /**
   * Headers of the content except Content-Type, including Content-Transfer-Encoding. The headers of the message are for
   * people: the SIP/IP core asserts its sender.
   */
  readonly headers: HeaderList;
  /** Offset of the content, in octets. */
  readonly length: number;
}

/**
 * Reads the headers at the start of a message.
 * @returns undefined if more octets are needed.
 * @throws MalformedError
 */
export function readWrappedHead(octets: Uint8Array): WrappedHead | undefined {
  const message = endOfHeaderBlock(octets.subarray(0, MAX_WRAPPED_HEAD));
  const content =
    message === undefined ? undefined : endOfHeaderBlock(octets.subarray(message, MAX_WRAPPED_HEAD));
  if (message === undefined || content === undefined) {
    if (octets.length < MAX_WRAPPED_HEAD) return undefined;
    throw new MalformedError(`${CPIM}: expected at most ${MAX_WRAPPED_HEAD} octets of headers`);
  }
  const { type, headers } = readEntityHead(octets.subarray(message), PLAIN_TEXT, CPIM);
  return { type, headers, length: message + content };
}

/** Both ends are anonymous, because SIP has their identities. */
const ENDS = '<sip:anonymous@anonymous.invalid>';

/** The octets before the content. @throws ConfigurationError if a header is invalid. */
export function writeWrappedHead(type: MediaType, headers: HeaderList): Uint8Array {
  const message = new TextEncoder().encode(`From: ${ENDS}\r\nTo: ${ENDS}\r\n\r\n`);
  const content = writeEntityHead({ type, headers });
  const head = new Uint8Array(message.length + content.length);
  head.set(message);
  head.set(content, message.length);
  return head;
}
