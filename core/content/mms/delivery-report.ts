/** M-Delivery.ind: what became of a message that was sent (OMA-TS-MMS_ENC 6.6). */

import { optional, required } from './layout.js';
import { definePdu, type WithOthers } from './pdu.js';
import { type MmsStatus, status } from './status.js';
import { date, encodedString, textString, version } from './value.js';

interface DeliveryReportFields {
  /** `1.2` */
  readonly version: string;
  /** That of the M-Send.conf. */
  readonly messageId: string;
  /** The recipient that the report is about, `+15550100/TYPE=PLMN`. */
  readonly to: string;
  /** When the message was retrieved, expired, rejected… */
  readonly date: Date;
  readonly status: MmsStatus;
  readonly statusText?: string;
  readonly applicId?: string;
  readonly replyApplicId?: string;
  readonly auxApplicInfo?: string;
}

/** M-Delivery.ind: what became of a message at one of its recipients. */
export type MmsDeliveryReport = DeliveryReportFields & WithOthers;

const codec = definePdu<DeliveryReportFields>('M-Delivery.ind', {
  version: required('X-Mms-MMS-Version', version),
  messageId: required('Message-ID', textString),
  to: required('To', encodedString),
  date: required('Date', date),
  status: required('X-Mms-Status', status),
  statusText: optional('X-Mms-Status-Text', encodedString),
  applicId: optional('X-Mms-Applic-ID', textString),
  replyApplicId: optional('X-Mms-Reply-Applic-ID', textString),
  auxApplicInfo: optional('X-Mms-Aux-Applic-Info', textString),
});

/** @throws MalformedError naming the field, its offset, and what was expected there. */
export const decodeDeliveryReport: (pdu: Uint8Array) => MmsDeliveryReport = codec.decode;

/** @throws ConfigurationError where a value does not fit its field. */
export const encodeDeliveryReport: (report: MmsDeliveryReport) => Uint8Array = codec.encode;
