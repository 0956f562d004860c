/**
 * The Push Access Protocol (PAP), for Push Initiators and gateways.
 *
 * @example Submit a push to a Push Proxy Gateway
 * ```ts
 * import { memoryContent, serviceIndication } from 'sip-push/formats';
 * import { formatClientAddress, isPapSuccess, PapClient } from 'sip-push/pap';
 *
 * const indication = serviceIndication.toXml({ action: 'signal-high', href: 'https://mail.example/', text: 'New mail' });
 * const client = new PapClient({ url: 'https://ppg.example/pap' });
 * const { code, description } = await client.submit(
 *   {
 *     pushId: '1@initiator.example',
 *     addresses: [formatClientAddress({ type: 'PLMN', identifier: '+358401234567', gateway: 'ppg.example' })],
 *   },
 *   {
 *     headers: [['X-Wap-Application-Id', 'x-wap-application:wml.ua']],
 *     content: memoryContent({ type: 'text/vnd.wap.si', parameters: {} }, indication),
 *   },
 * );
 * if (!isPapSuccess(code)) console.error(code, description);
 * ```
 * @module sip-push/pap
 */

export type { PapResult } from './attributes.js';
export type { BadMessageResponse } from './bad-message.js';
export type { CancelMessage, CancelResponse, CancelResult } from './cancellation.js';
export type { CapabilityQueryMessage, CapabilityQueryResponse } from './capability-query.js';
export { PapClient, type PapClientOptions, type PapCredentials, PapRefusedError } from './client.js';
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
