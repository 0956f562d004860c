/** `sip-push/formats`: the wire formats of what is pushed, for applications and for senders. */

export { displayAddress } from '../../core/content/mms/address.js';
export type { ElementDescriptor } from '../../core/content/mms/element-descriptor.js';
export { mmsFieldName } from '../../core/content/mms/field-names.js';
export { mmsMessageType } from '../../core/content/mms/message-type.js';
export {
  decodeNotification,
  encodeNotification,
  type MmsNotification,
} from '../../core/content/mms/notification.js';
export type { MmsRawField } from '../../core/content/mms/pdu.js';
export { absoluteTime, type MmsTime } from '../../core/content/mms/time.js';
export {
  type CacheOperation,
  cacheOperation,
  type Invalidation,
} from '../../core/content/push-documents/cache-operation.js';
export type { DocumentCodec, WbxmlVersion } from '../../core/content/push-documents/document-codec.js';
export {
  type EmailNotification,
  emailNotification,
} from '../../core/content/push-documents/email-notification.js';
export {
  type ServiceIndication,
  type ServiceIndicationItem,
  serviceIndication,
} from '../../core/content/push-documents/service-indication.js';
export { type ServiceLoading, serviceLoading } from '../../core/content/push-documents/service-loading.js';
export { MalformedError } from '../../core/errors.js';
