/** Delivery reports (OMA-TS-MMS_ENC 6.6) and read reports (6.7). */

import { type MmsReadStatus, type MmsStatus, readStatus, status } from './codes.js';
import { definePdu, type MmsLayout, optional, required, type WithRawFields } from './pdu.js';
import { date, encodedString, from, fromOrInsert, textString, version } from './values.js';

interface DeliveryReportFields {
  /** `1.2` */
  readonly version: string;
  /** Message-ID of the M-Send.conf. */
  readonly messageId: string;
  /** The recipient that the report is about, `+15550100/TYPE=PLMN`. */
  readonly to: string;
  /** When the message was retrieved, expired or rejected. */
  readonly date: Date;
  readonly status: MmsStatus;
  readonly statusText?: string;
  readonly applicId?: string;
  readonly replyApplicId?: string;
  readonly auxApplicInfo?: string;
}

/** M-Delivery.ind: the status of a message at one of its recipients. */
export type MmsDeliveryReport = DeliveryReportFields & WithRawFields;

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

/** @throws MalformedError naming the field, its offset, and what was expected. */
export const decodeDeliveryReport: (pdu: Uint8Array) => MmsDeliveryReport = codec.decode;

/** @throws ConfigurationError if a value does not fit its field. */
export const encodeDeliveryReport: (report: MmsDeliveryReport) => Uint8Array = codec.encode;

interface ReportFields {
  /** `1.2` */
  readonly version: string;
  /** Message-ID of the message. */
  readonly messageId: string;
  /** The sender of the message, `+15550100/TYPE=PLMN`. */
  readonly to: string;
  /** The reader. */
  readonly from: string;
  readonly readStatus: MmsReadStatus;
  readonly applicId?: string;
  readonly replyApplicId?: string;
  readonly auxApplicInfo?: string;
}

interface ReadByRecipientFields extends ReportFields {
  /** The reader; with `insert-address`, the usual value, the MMSC inserts the address. */
  readonly from: string;
  /** When the message was read; if absent, the MMSC inserts the time. */
  readonly date?: Date;
}

interface ReadForOriginatorFields extends ReportFields {
  readonly date: Date;
}

/** M-Read-Rec.ind: the recipient's device reports whether a message was read. */
export type MmsReadByRecipient = ReadByRecipientFields & WithRawFields;
/** M-Read-Orig.ind: the same report for the originator. */
export type MmsReadForOriginator = ReadForOriginatorFields & WithRawFields;

const addressed = {
  version: required('X-Mms-MMS-Version', version),
  messageId: required('Message-ID', textString),
  to: required('To', encodedString),
} satisfies Partial<MmsLayout<ReportFields>>;

const outcome = {
  readStatus: required('X-Mms-Read-Status', readStatus),
  applicId: optional('X-Mms-Applic-ID', textString),
  replyApplicId: optional('X-Mms-Reply-Applic-ID', textString),
  auxApplicInfo: optional('X-Mms-Aux-Applic-Info', textString),
} satisfies Partial<MmsLayout<ReportFields>>;

const byRecipient = definePdu<ReadByRecipientFields>('M-Read-Rec.ind', {
  ...addressed,
  from: required('From', fromOrInsert),
  date: optional('Date', date),
  ...outcome,
});

const forOriginator = definePdu<ReadForOriginatorFields>('M-Read-Orig.ind', {
  ...addressed,
  from: required('From', from),
  date: required('Date', date),
  ...outcome,
});

/** @throws MalformedError naming the field, its offset, and what was expected. */
export const decodeReadByRecipient: (pdu: Uint8Array) => MmsReadByRecipient = byRecipient.decode;

/** @throws ConfigurationError if a value does not fit its field. */
export const encodeReadByRecipient: (report: MmsReadByRecipient) => Uint8Array = byRecipient.encode;

/** @throws MalformedError naming the field, its offset, and what was expected. */
export const decodeReadForOriginator: (pdu: Uint8Array) => MmsReadForOriginator = forOriginator.decode;

/** @throws ConfigurationError if a value does not fit its field. */
export const encodeReadForOriginator: (report: MmsReadForOriginator) => Uint8Array = forOriginator.encode;
