/** Names of the MMS header fields by their codes (OMA-TS-MMS_ENC 7.4). */

/** Index 0 is code 01. */
const names = [
  'Bcc',
  'Cc',
  'X-Mms-Content-Location',
  'Content-Type',
  'Date',
  'X-Mms-Delivery-Report',
  'X-Mms-Delivery-Time',
  'X-Mms-Expiry',
  'From',
  'X-Mms-Message-Class',
  'Message-ID',
  'X-Mms-Message-Type',
  'X-Mms-MMS-Version',
  'X-Mms-Message-Size',
  'X-Mms-Priority',
  'X-Mms-Read-Report',
  'X-Mms-Report-Allowed',
  'X-Mms-Response-Status',
  'X-Mms-Response-Text',
  'X-Mms-Sender-Visibility',
  'X-Mms-Status',
  'Subject',
  'To',
  'X-Mms-Transaction-ID',
  'X-Mms-Retrieve-Status',
  'X-Mms-Retrieve-Text',
  'X-Mms-Read-Status',
  'X-Mms-Reply-Charging',
  'X-Mms-Reply-Charging-Deadline',
  'X-Mms-Reply-Charging-ID',
  'X-Mms-Reply-Charging-Size',
  'X-Mms-Previously-Sent-By',
  'X-Mms-Previously-Sent-Date',
  'X-Mms-Store',
  'X-Mms-MM-State',
  'X-Mms-MM-Flags',
  'X-Mms-Store-Status',
  'X-Mms-Store-Status-Text',
  'X-Mms-Stored',
  'X-Mms-Attributes',
  'X-Mms-Totals',
  'X-Mms-Mbox-Totals',
  'X-Mms-Quotas',
  'X-Mms-Mbox-Quotas',
  'X-Mms-Message-Count',
  'Content',
  'X-Mms-Start',
  'Additional-headers',
  'X-Mms-Distribution-Indicator',
  'X-Mms-Element-Descriptor',
  'X-Mms-Limit',
  'X-Mms-Recommended-Retrieval-Mode',
  'X-Mms-Recommended-Retrieval-Mode-Text',
  'X-Mms-Status-Text',
  'X-Mms-Applic-ID',
  'X-Mms-Reply-Applic-ID',
  'X-Mms-Aux-Applic-Info',
  'X-Mms-Content-Class',
  'X-Mms-DRM-Content',
  'X-Mms-Adaptation-Allowed',
  'X-Mms-Replace-ID',
  'X-Mms-Cancel-ID',
  'X-Mms-Cancel-Status',
] as const;

export type MmsFieldName = (typeof names)[number];

/** The name of a header field. @param code 01 to 7F, without the high bit that it has on the wire */
export function mmsFieldName(code: number): MmsFieldName | undefined {
  return names[code - 1];
}

export function mmsFieldCode(name: MmsFieldName): number {
  return names.indexOf(name) + 1;
}
