/** `sip-push/pap`: the Push Access Protocol, for Push Initiators and gateways. */

export type { PapResult } from './attributes.js';
export type { BadMessageResponse } from './bad-message.js';
export type { CancelMessage, CancelResponse, CancelResult } from './cancellation.js';
export type { CapabilityQueryMessage, CapabilityQueryResponse } from './capability-query.js';
export { PapClient, type PapClientOptions, PapRefusedError } from './client.js';
export { type ClientAddress, formatClientAddress, parseClientAddress } from './client-address.js';
export {
  type PapDocument,
  type PapMessage,
  PapVersionError,
  readPapDocument,
  writePapDocument,
} from './document.js';
export { type OutgoingPackage, type PapPackage, readPapPackage, writePapPackage } from './package.js';
export type { DeliveryMethod, Priority, QualityOfService } from './quality-of-service.js';
export type { ResultNotificationMessage, ResultNotificationResponse } from './result-notification.js';
export { describePapCode, isPapSuccess, PAP_CODE } from './status-code.js';
export type {
  MessageState,
  StatusQueryMessage,
  StatusQueryResponse,
  StatusQueryResult,
} from './status-query.js';
export type { ProgressNote, PushMessage, PushResponse, ReplaceMethod } from './submission.js';
export { PAP_VERSIONS, type PapVersion } from './version.js';
