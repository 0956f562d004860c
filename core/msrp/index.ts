/** MSRP (RFC 4975, 4976, 7977): sessions of messages over connections. */

export { type ActiveSessionOptions, MsrpConnector, type MsrpConnectorOptions } from './connector.js';
export { MsrpHeaders } from './headers.js';
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
export { MsrpRefused } from './refused.js';
export type { MsrpSession, SessionOptions } from './session.js';
export { localMsrpUri, type MsrpProtocol } from './session-uri.js';
export { formatPath, MsrpUri, parsePath } from './uri.js';
