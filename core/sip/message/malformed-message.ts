/** Limits on the size of one SIP message, and the error for a message that is refused before its sender is known. */

import { MalformedError } from '../../errors.js';
import type { SipRequest } from './message.js';

/**
 * Start line and headers, bytes. The longest message of RFC 4475 has 3.3 KB, an IMS request with certificates of STIR
 * about 8 KB; a datagram cannot hold more than 64 KB.
 */
export const MAX_HEADER_BYTES = 32_768;

/** Header lines. A request through 70 hops has 70 Via and 70 Record-Route (Max-Forwards). */
export const MAX_HEADER_LINES = 256;

/** Request-URI, characters: a GRUU with an instance id has 150. A longer one is answered 414. */
export const MAX_URI_LENGTH = 2048;

/**
 * A whole message on a stream, bytes. Pager mode carries 1300 (RFC 3428 §8), up to a few hundred KB where all hops are
 * reliable; larger content is sent in session mode.
 */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** The bytes received are not a SIP message, or not one that this package supports. */
export class MalformedSipError extends MalformedError {
  static {
    MalformedSipError.prototype.name = 'MalformedSipError';
  }

  constructor(
    /** Status of the answer: 400, 414, 505 or 513. A malformed response is dropped, and an ACK is never answered. */
    readonly status: number,
    message: string,
    /**
     * The request, if its headers could be separated and it has a Via to answer by. Any of its headers may be malformed
     * or missing. It has no body.
     */
    readonly partial?: SipRequest,
  ) {
    super(message);
  }
}
