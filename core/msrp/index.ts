/** MSRP (RFC 4975, 4976, 7977): sessions of messages over connections. */

export { type ActiveSessionOptions, MsrpConnector, type MsrpConnectorOptions } from './connector.js';
export type { MsrpHeaders } from './headers.js';
export { MsrpListener, type MsrpListenerOptions } from './listener.js';
export type {
  FailureReport,
  IncomingHead,
  MessageReporter,
  MessageResult,
  MessageSink,
  OutgoingMessage,
} from './message.js';
export type { MsrpLimits } from './msrp-limits.js';
export { commentOf, MsrpRefused } from './refused.js';
export { MsrpRelay, type MsrpRelayOptions, type RelayAccount } from './relay.js';
export type { AnswerChallenges } from './relay-auth.js';
export { parseRelayUri } from './relay-uri.js';
export type { MsrpSession, SessionOptions } from './session.js';
export { localMsrpUri, type MsrpProtocol, msrpAddressOf, msrpProtocolOf } from './session-uri.js';
export { MsrpUri } from './uri.js';
