/** Bounds on what one SIP message may cost before anything is known of who sent it. */

import { MalformedError } from '../../errors.js';
import type { SipHeaders } from './headers.js';

/**
 * Start line and headers, bytes. RFC 4475's longest is 3.3 KB, an IMS request with certificates of STIR some
 * 8 KB; a datagram cannot hold more than 64 KB of anything.
 */
export const MAX_HEADER_BYTES = 32_768;

/** Header lines. A request through 70 hops has 70 Via and 70 Record-Route (Max-Forwards). */
export const MAX_HEADER_LINES = 256;

/** Request-URI, characters: a GRUU with an instance id takes 150. Answered 414. */
export const MAX_URI_LENGTH = 2048;

/**
 * A whole message on a stream, bytes. Pager mode carries 1300 (RFC 3428 8), up to a few hundred KB where all
 * hops are reliable; what is larger goes in session mode.
 */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** What the network sent is not SIP, or not SIP that this package takes. */

export class MalformedSip extends MalformedError {
  constructor(
    /** What to answer: 400, 414, 505, 513. A malformed response is dropped, and an ACK never answered. */
    readonly status: number,
    message: string,
    /**
     * Where it was a request whose headers could be told apart, with a Via to answer by. Any of its headers
     * may be malformed or missing; the body is left out.
     */
    readonly partial?: SipRequest,
  ) {
    super(message);
  }
}

/** SIP messages as this package sees them: a start line, headers in order, and a body of bytes. */

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

/** A request that was refused before its handler received it. */
export interface RefusedRequest {
  /** SIP method. */
  method: string;
  /** Status of the response. */
  status: number;
  /** Why, for people. */
  reason: string;
  /** URI of From. */
  from: string;
}
