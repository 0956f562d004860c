/** A flow (RFC 5626): the path on which messages to and from one peer travel. */

import type { Address } from '../platform/platform.js';

export type SipTransport = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS';

export interface SipFlow {
  readonly transport: SipTransport;
  /** False for UDP: transactions retransmit. */
  readonly reliable: boolean;
  readonly local: Address;
  readonly remote: Address;
  /** A flow is alive until its connection is lost. A UDP flow lives as long as its socket. */
  readonly closed: boolean;
  /** Sends one whole SIP message. Throws TransportError when the flow is closed. */
  send(bytes: Uint8Array): void;
  /** The flow on which a response must travel to this address, where the Via names another (RFC 3261 18.2.2); only UDP. */
  to?(address: Address): SipFlow;
}

/** Sees every message as it is on the wire; keep-alives are not messages. */
export type WireObserver = (direction: 'in' | 'out', bytes: Uint8Array, flow: SipFlow) => void;
