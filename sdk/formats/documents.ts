/** The documents of wml.ua and emn.ua, each in XML and in WBXML: SI, SL, CO and EMN. */

export {
  type CacheOperation,
  cacheOperation,
  type Invalidation,
} from '../../core/content/push-documents/cache-operation.js';
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
