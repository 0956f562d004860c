/**
 * Multimedia messages (application/vnd.wap.mms-message): what an MMSC tells a device, and what the device answers.
 * Each PDU is read and written whole, but for M-Retrieve.conf, which may be read as it comes too.
 */

export {
  decodeAcknowledge,
  encodeAcknowledge,
  type MmsAcknowledge,
} from '../../core/content/mms/acknowledge.js';
export { displayAddress } from '../../core/content/mms/address.js';
export {
  decodeDeliveryReport,
  encodeDeliveryReport,
  type MmsDeliveryReport,
} from '../../core/content/mms/delivery-report.js';
export type { ElementDescriptor } from '../../core/content/mms/element-descriptor.js';
export { mmsFieldName } from '../../core/content/mms/field-names.js';
export { mmsMessageType } from '../../core/content/mms/message-type.js';
export {
  decodeNotification,
  encodeNotification,
  type MmsNotification,
} from '../../core/content/mms/notification.js';
export {
  decodeNotifyResponse,
  encodeNotifyResponse,
  type MmsNotifyResponse,
} from '../../core/content/mms/notify-response.js';
export type { MmsRawField } from '../../core/content/mms/pdu.js';
export {
  decodeReadByRecipient,
  decodeReadForOriginator,
  encodeReadByRecipient,
  encodeReadForOriginator,
  type MmsReadByRecipient,
  type MmsReadForOriginator,
} from '../../core/content/mms/read-report.js';
export {
  decodeRetrieval,
  encodeRetrieval,
  type MmsRetrieval,
  type MmsRetrievalHeader,
  type MmsStreamedRetrieval,
  readRetrieval,
} from '../../core/content/mms/retrieval.js';
export type { MmsReadStatus, MmsRetrieveStatus, MmsStatus } from '../../core/content/mms/status.js';
export { absoluteTime, type MmsTime } from '../../core/content/mms/time.js';
