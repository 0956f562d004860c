/** SIP messages as this package sees them: a start line, headers in order, and a body of bytes. */

import type { SipHeaders } from './headers.js';

export interface SipRequest {
  method: string;
  /** Request-URI, as written on the wire. */
  uri: string;
  headers: SipHeaders;
  body: Uint8Array;
}

export interface SipResponse {
  status: number;
  reason: string;
  headers: SipHeaders;
  body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

export const NO_BODY: Uint8Array = new Uint8Array(0);

export function isRequest(message: SipMessage): message is SipRequest {
  return 'method' in message;
}
