/** Answers requests without a transaction (RFC 3261 §8.2.7). */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { MalformedSipError } from '../message/malformed-message.js';
import type { SipRequest } from '../message/message.js';
import { buildResponse, writeMessage } from '../message/writer.js';
import { responseFlow, type SipFlow } from '../transport/flow.js';

/** Hexadecimal digits of a To tag; RFC 3261 §19.3 requires 32 bits. */
const TAG_DIGITS = 16;

/** An ACK is never answered. */
export function answerStatelessly(
  request: SipRequest,
  flow: SipFlow,
  status: number,
  headers: Iterable<readonly [name: string, value: string]> = [],
): void {
  if (request.method === 'ACK') return;
  // A retransmission gets the same tag, without any state.
  const identity = `${request.headers.get('Via')} ${request.headers.get('Call-ID')} ${request.headers.get('CSeq')}`;
  const toTag = platform.hash('sha-256', identity).slice(0, TAG_DIGITS);
  try {
    responseFlow(request, flow).send(writeMessage(buildResponse(request, status, { headers, toTag })));
  } catch (error) {
    // The peer is gone. It retransmits if it still needs the response.
    if (!(error instanceof TransportError)) throw error;
  }
}

/** Answers a malformed request if enough of it can be parsed; a malformed response is dropped. */
export function refuseMalformed(error: MalformedSipError, flow: SipFlow): void {
  if (error.partial) answerStatelessly(error.partial, flow, error.status);
}
