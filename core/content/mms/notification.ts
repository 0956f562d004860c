/** M-Notification.ind and M-NotifyResp.ind (OMA-TS-MMS_ENC 6.2). */

import { type MmsStatus, messageClass, status } from './codes.js';
import { definePdu, optional, required, type WithRawFields } from './pdu.js';
import {
  boolean,
  type ElementDescriptor,
  elementDescriptor,
  encodedString,
  enumerated,
  from,
  longInteger,
  type MmsTime,
  textString,
  time,
  version,
} from './values.js';

const priority = enumerated(['low', 'normal', 'high']);
const retrievalMode = enumerated(['manual']);
const replyCharging = enumerated(['requested', 'requested-text-only', 'accepted', 'accepted-text-only']);
const contentClass = enumerated([
  'text',
  'image-basic',
  'image-rich',
  'video-basic',
  'video-rich',
  'megapixel',
  'content-basic',
  'content-rich',
]);

interface NotificationFields {
  readonly transactionId: string;
  /** MMS version of the sender, `1.2`. */
  readonly version: string;
  /** As on the wire, `+15550100/TYPE=PLMN`; absent if it is hidden. */
  readonly from?: string;
  readonly subject?: string;
  readonly deliveryReport?: boolean;
  /** Whether the message is stored in a network mailbox. */
  readonly stored?: boolean;
  /** `personal`, `advertisement`, `informational`, `auto`, or a class of the operator's own. */
  readonly messageClass: string;
  readonly priority?: 'low' | 'normal' | 'high';
  /** Size of the message, in octets. */
  readonly messageSize: number;
  readonly expiry: MmsTime;
  readonly replyCharging?: 'requested' | 'requested-text-only' | 'accepted' | 'accepted-text-only';
  readonly replyChargingDeadline?: MmsTime;
  /** Octets. */
  readonly replyChargingSize?: number;
  readonly replyChargingId?: string;
  readonly distributionIndicator?: boolean;
  readonly elementDescriptor?: ElementDescriptor;
  readonly recommendedRetrievalMode?: 'manual';
  readonly recommendedRetrievalModeText?: string;
  readonly applicId?: string;
  readonly replyApplicId?: string;
  readonly auxApplicInfo?: string;
  readonly contentClass?:
    | 'text'
    | 'image-basic'
    | 'image-rich'
    | 'video-basic'
    | 'video-rich'
    | 'megapixel'
    | 'content-basic'
    | 'content-rich';
  readonly drmContent?: boolean;
  /** Message-ID of the message that this one replaces. */
  readonly replaceId?: string;
  /** URI that the message is retrieved from. */
  readonly contentLocation: string;
}

/** M-Notification.ind: a message waits at an MMSC. */
export type MmsNotification = NotificationFields & WithRawFields;

const notificationCodec = definePdu<NotificationFields>('M-Notification.ind', {
  transactionId: required('X-Mms-Transaction-ID', textString),
  version: required('X-Mms-MMS-Version', version),
  from: optional('From', from),
  subject: optional('Subject', encodedString),
  deliveryReport: optional('X-Mms-Delivery-Report', boolean),
  stored: optional('X-Mms-Stored', boolean),
  messageClass: required('X-Mms-Message-Class', messageClass),
  priority: optional('X-Mms-Priority', priority),
  messageSize: required('X-Mms-Message-Size', longInteger),
  expiry: required('X-Mms-Expiry', time),
  replyCharging: optional('X-Mms-Reply-Charging', replyCharging),
  replyChargingDeadline: optional('X-Mms-Reply-Charging-Deadline', time),
  replyChargingSize: optional('X-Mms-Reply-Charging-Size', longInteger),
  replyChargingId: optional('X-Mms-Reply-Charging-ID', textString),
  distributionIndicator: optional('X-Mms-Distribution-Indicator', boolean),
  elementDescriptor: optional('X-Mms-Element-Descriptor', elementDescriptor),
  recommendedRetrievalMode: optional('X-Mms-Recommended-Retrieval-Mode', retrievalMode),
  recommendedRetrievalModeText: optional('X-Mms-Recommended-Retrieval-Mode-Text', encodedString),
  applicId: optional('X-Mms-Applic-ID', textString),
  replyApplicId: optional('X-Mms-Reply-Applic-ID', textString),
  auxApplicInfo: optional('X-Mms-Aux-Applic-Info', textString),
  contentClass: optional('X-Mms-Content-Class', contentClass),
  drmContent: optional('X-Mms-DRM-Content', boolean),
  replaceId: optional('X-Mms-Replace-ID', textString),
  contentLocation: required('X-Mms-Content-Location', textString),
});

/** @throws MalformedError naming the field, its offset, and what was expected. */
export const decodeNotification: (pdu: Uint8Array) => MmsNotification = notificationCodec.decode;

/** @throws ConfigurationError if a value does not fit its field. */
export const encodeNotification: (notification: MmsNotification) => Uint8Array = notificationCodec.encode;

interface NotifyResponseFields {
  /** Transaction-ID of the notification. */
  readonly transactionId: string;
  /** `1.2` */
  readonly version: string;
  readonly status: MmsStatus;
  /** Whether the MMSC may report the delivery to the sender; true by default. */
  readonly reportAllowed?: boolean;
}

/** M-NotifyResp.ind: the answer of the device to a notification. */
export type MmsNotifyResponse = NotifyResponseFields & WithRawFields;

const notifyResponseCodec = definePdu<NotifyResponseFields>('M-NotifyResp.ind', {
  transactionId: required('X-Mms-Transaction-ID', textString),
  version: required('X-Mms-MMS-Version', version),
  status: required('X-Mms-Status', status),
  reportAllowed: optional('X-Mms-Report-Allowed', boolean),
});

/** @throws MalformedError naming the field, its offset, and what was expected. */
export const decodeNotifyResponse: (pdu: Uint8Array) => MmsNotifyResponse = notifyResponseCodec.decode;

/** @throws ConfigurationError if a value does not fit its field. */
export const encodeNotifyResponse: (response: MmsNotifyResponse) => Uint8Array = notifyResponseCodec.encode;
