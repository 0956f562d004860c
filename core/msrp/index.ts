/** MSRP (RFC 4975, 4976, 7977): sessions of messages over connections. */

export {
  type ActiveSessionOptions,
  MsrpConnector,
  type MsrpConnectorOptions,
} from './connections/connector.js';
export { MsrpListener, type MsrpListenerOptions } from './connections/listener.js';
export { MsrpRelay, type MsrpRelayOptions, type RelayAccount } from './connections/relay.js';
export type { AnswerChallenges } from './connections/relay-auth.js';
export type { MsrpHeaders } from './frames/frame.js';
export type { MsrpLimits } from './frames/limits.js';
export {
  localMsrpUri,
  type MsrpProtocol,
  MsrpUri,
  msrpAddressOf,
  msrpProtocolOf,
  parseRelayUri,
} from './frames/uri.js';
export type {
  FailureReport,
  IncomingHead,
  MessageReporter,
  MessageResult,
  MessageSink,
  OutgoingMessage,
} from './messages/message.js';
export type { MsrpSession, SessionOptions } from './messages/session.js';
export { commentOf, MsrpRefusedError } from './messages/status.js';
