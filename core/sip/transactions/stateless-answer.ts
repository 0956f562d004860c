/** Answers to requests for which no transaction is kept (RFC 3261 8.2.7). */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { MalformedSip, SipRequest } from '../message/message.js';
import { responseFlow, type SipFlow } from '../transport/flow.js';
import { buildResponse, writeMessage } from '../wire/writer.js';

/** Hexadecimal digits of a To tag; RFC 3261 19.3 asks for 32 bits. */
const TAG_DIGITS = 16;

/** An ACK is never answered. */
export function answerStatelessly(
  request: SipRequest,
  flow: SipFlow,
  status: number,
  headers: Iterable<readonly [name: string, value: string]> = [],
): void {
  if (request.method === 'ACK') return;
  // A retransmission has to get the same tag, and nothing is kept to remember it by.
  const identity = `${request.headers.get('Via')} ${request.headers.get('Call-ID')} ${request.headers.get('CSeq')}`;
  const toTag = platform.hash('sha-256', identity).slice(0, TAG_DIGITS);
  try {
    responseFlow(request, flow).send(writeMessage(buildResponse(request, status, { headers, toTag })));
  } catch (error) {
    // The peer has gone. It would have asked again, had it wanted to know.
    if (!(error instanceof TransportError)) throw error;
  }
}

/** Answers a malformed request with what is wrong, where enough of it can be read; a response is dropped. */
export function refuseMalformed(error: MalformedSip, flow: SipFlow): void {
  if (error.partial) answerStatelessly(error.partial, flow, error.status);
}
