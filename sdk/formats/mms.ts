/**
 * PDUs between an MMSC and a device (application/vnd.wap.mms-message). M-Retrieve.conf can also be read as a stream.
 */

export type { MmsReadStatus, MmsRetrieveStatus, MmsStatus } from '../../core/content/mms/codes.js';
export { mmsFieldName, mmsMessageType } from '../../core/content/mms/codes.js';
export {
  decodeNotification,
  decodeNotifyResponse,
  encodeNotification,
  encodeNotifyResponse,
  type MmsNotification,
  type MmsNotifyResponse,
} from '../../core/content/mms/notification.js';
export type { MmsRawField } from '../../core/content/mms/pdu.js';
export {
  decodeDeliveryReport,
  decodeReadByRecipient,
  decodeReadForOriginator,
  encodeDeliveryReport,
  encodeReadByRecipient,
  encodeReadForOriginator,
  type MmsDeliveryReport,
  type MmsReadByRecipient,
  type MmsReadForOriginator,
} from '../../core/content/mms/reports.js';
export {
  decodeAcknowledge,
  decodeRetrieval,
  encodeAcknowledge,
  encodeRetrieval,
  type MmsAcknowledge,
  type MmsRetrieval,
  type MmsRetrievalHeader,
  type MmsStreamedRetrieval,
  readRetrieval,
} from '../../core/content/mms/retrieval.js';
export type { ElementDescriptor } from '../../core/content/mms/values.js';
export { absoluteTime, displayAddress, type MmsTime } from '../../core/content/mms/values.js';
