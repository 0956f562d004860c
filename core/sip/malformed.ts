/** What the network sent is not SIP, or not SIP that this package takes. */

import { MalformedError } from '../errors.js';
import type { SipRequest } from './message.js';

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
