/** M-NotifyResp.ind: what a device does about a notification (OMA-TS-MMS_ENC 6.2.2). */

import { optional, required } from './layout.js';
import { definePdu, type WithOthers } from './pdu.js';
import { type MmsStatus, status } from './status.js';
import { boolean, textString, version } from './value.js';

interface NotifyResponseFields {
  /** That of the notification. */
  readonly transactionId: string;
  /** `1.2` */
  readonly version: string;
  readonly status: MmsStatus;
  /** Whether the sender may be told that the message was delivered; yes where it is absent. */
  readonly reportAllowed?: boolean;
}

/** M-NotifyResp.ind: what the device will do about a notification. */
export type MmsNotifyResponse = NotifyResponseFields & WithOthers;

const notifyResponseCodec = definePdu<NotifyResponseFields>('M-NotifyResp.ind', {
  transactionId: required('X-Mms-Transaction-ID', textString),
  version: required('X-Mms-MMS-Version', version),
  status: required('X-Mms-Status', status),
  reportAllowed: optional('X-Mms-Report-Allowed', boolean),
});

/** @throws MalformedError naming the field, its offset, and what was expected there. */
export const decodeNotifyResponse: (pdu: Uint8Array) => MmsNotifyResponse = notifyResponseCodec.decode;

/** @throws ConfigurationError where a value does not fit its field. */
export const encodeNotifyResponse: (response: MmsNotifyResponse) => Uint8Array = notifyResponseCodec.encode;
