/** A client transaction as its user sees it (RFC 3261 17.1). */

import type { TimeoutError, TransportError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../message.js';

export interface ClientTransaction {
  /** As it was sent, with our Via on top. */
  readonly request: SipRequest;
  readonly branch: string;
  /**
   * Cancels an INVITE (RFC 3261 9.1): the CANCEL leaves when a provisional response has come, and never after a
   * final one. Of any other request: nothing happens.
   * @param headers for the CANCEL, e.g. Reason.
   */
  cancel(headers?: Iterable<readonly [name: string, value: string]>): void;
  /**
   * No more callbacks. A non-INVITE is not retransmitted any more; an INVITE goes on to its end, since the
   * final response needs its ACK.
   */
  abandon(): void;
}

export interface ClientHandlers {
  /**
   * Every provisional response, and the final one; for an INVITE each 2xx, retransmitted ones too, since the
   * user acknowledges them.
   */
  onResponse(response: SipResponse): void;
  /** Instead of a final response. Called once, never from within `send`. */
  onFailure(error: TimeoutError | TransportError): void;
}
