/** A server transaction as its user sees it (RFC 3261 17.2). */

import type { TimeoutError } from '../../errors.js';
import type { SipFlow } from '../flow.js';
import type { SipRequest, SipResponse } from '../message.js';

export interface RespondOptions {
  /**
   * Of a 2xx to INVITE: sends it again until its ACK comes, as a user agent has to (RFC 3261 13.3.1.4). A proxy
   * does not: it forwards each 2xx that it gets.
   */
  untilAcknowledged?: boolean;
}

export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  /** A final response was given, or it is too late for one. */
  readonly answered: boolean;
  /** It is an INVITE, and a 2xx was given. */
  readonly accepted: boolean;
  /**
   * Sends a response. Never throws: when the flow is lost the peer will ask again or give up. What must not be
   * sent is not: anything after a final response (but further 2xx to INVITE), a provisional response other than 100
   * and a 408 to a non-INVITE (RFC 4320 4).
   */
  respond(response: SipResponse, options?: RespondOptions): void;
  /** The peer cancelled an INVITE that is not answered yet. The CANCEL was answered; a 487 is now due. */
  onCancel: () => void;
  /** The ACK of a 2xx that was sent `untilAcknowledged`. An ACK of another final response ends in the transaction. */
  onAck: (ack: SipRequest) => void;
  /** A final response to INVITE was never acknowledged, or a non-INVITE was not answered in time. */
  onTimeout: (error: TimeoutError) => void;
}
