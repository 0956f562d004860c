/** Bytes of one message from any transport to whoever listens on its flow. */

import type { SipFlow, WireObserver } from './flow.js';
import { MalformedSip } from './malformed.js';
import { isRequest, type SipMessage } from './message.js';
import { parseMessage } from './parser.js';
import { noteSource } from './received.js';

export interface FlowHandlers {
  /** `received` and `rport` are on the top Via of a request. */
  onMessage(message: SipMessage, flow: SipFlow): void;
  /** `refuseMalformed` answers what can be answered. A connection that lost its framing closes by itself afterwards. */
  onMalformed?(error: MalformedSip, flow: SipFlow): void;
  /** Once, when the connection is gone, with the reason where it did not end in order. */
  onFlowClosed?(flow: SipFlow, error?: Error): void;
  onWire?: WireObserver;
}

/** False when it was none. */
export function receiveMessage(bytes: Uint8Array, flow: SipFlow, handlers: FlowHandlers): boolean {
  handlers.onWire?.('in', bytes, flow);
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch (error) {
    if (!(error instanceof MalformedSip)) throw error;
    reportMalformed(error, flow, handlers);
    return false;
  }
  if (isRequest(message)) noteSource(message, flow.remote);
  handlers.onMessage(message, flow);
  return true;
}

export function reportMalformed(error: MalformedSip, flow: SipFlow, handlers: FlowHandlers): void {
  if (error.partial) noteSource(error.partial, flow.remote);
  handlers.onMalformed?.(error, flow);
}
