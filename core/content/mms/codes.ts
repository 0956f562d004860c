/** Codes of MMS: header fields, PDU types, message classes and statuses (OMA-TS-MMS_ENC 7.3, 7.4). */

import { ConfigurationError } from '../../errors.js';
import { isToken } from '../media-type.js';
import { hexOctet, OctetReader } from '../wsp/octets.js';
import { readTextString, writeTextString } from '../wsp/text.js';
import { enumerated, type MmsValue } from './values.js';

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

/** Values of X-Mms-Message-Type (OMA-TS-MMS_ENC 7.3.30), which is always the first field. */
const types = {
  'M-Send.req': 0x80,
  'M-Send.conf': 0x81,
  'M-Notification.ind': 0x82,
  'M-NotifyResp.ind': 0x83,
  'M-Retrieve.conf': 0x84,
  'M-Acknowledge.ind': 0x85,
  'M-Delivery.ind': 0x86,
  'M-Read-Rec.ind': 0x87,
  'M-Read-Orig.ind': 0x88,
  'M-Forward.req': 0x89,
  'M-Forward.conf': 0x8a,
  'M-Mbox-Store.req': 0x8b,
  'M-Mbox-Store.conf': 0x8c,
  'M-Mbox-View.req': 0x8d,
  'M-Mbox-View.conf': 0x8e,
  'M-Mbox-Upload.req': 0x8f,
  'M-Mbox-Upload.conf': 0x90,
  'M-Mbox-Delete.req': 0x91,
  'M-Mbox-Delete.conf': 0x92,
  'M-Mbox-Descr': 0x93,
} as const;

export type MmsMessageType = keyof typeof types;

const typeNames = new Map<number, string>(Object.entries(types).map(([name, octet]) => [octet, name]));

const MESSAGE_TYPE = 0x8c;
const FIELD = 'X-Mms-Message-Type';

export function messageTypeOctet(type: MmsMessageType): number {
  return types[type];
}

/**
 * The type of an MMS PDU from its first field, `M-Notification.ind`; `unknown type XX` for an unknown one.
 * @throws MalformedError if the first field is not X-Mms-Message-Type.
 */
export function mmsMessageType(pdu: Uint8Array): string {
  return readMessageType(new OctetReader(pdu, 'MMS PDU'));
}

export function readMessageType(reader: OctetReader): string {
  if (reader.peek() !== MESSAGE_TYPE) throw reader.failure(FIELD, '8C, the first field of every MMS PDU');
  reader.octet(FIELD);
  const octet = reader.octet(FIELD);
  return typeNames.get(octet) ?? `unknown type ${hexOctet(octet)}`;
}

const classes = ['personal', 'advertisement', 'informational', 'auto'] as const;
const known = enumerated(classes);

/** `personal`, `advertisement`, `informational`, `auto`, or a class of the operator's own. */
export const messageClass: MmsValue<string> = {
  read(reader, field) {
    const first = reader.peek();
    return first !== undefined && first < 0x80 ? readTextString(reader, field) : known.read(reader, field);
  },
  write(writer, value) {
    const name = classes.find((candidate) => candidate === value.toLowerCase());
    if (name !== undefined) {
      known.write(writer, name);
      return;
    }
    if (!isToken(value)) throw new ConfigurationError(`invalid message class "${value}": expected a token`);
    writeTextString(writer, value);
  },
};

/** Values of X-Mms-Status, X-Mms-Read-Status and X-Mms-Retrieve-Status. */
const statuses = [
  'expired',
  'retrieved',
  'rejected',
  'deferred',
  'unrecognised',
  'indeterminate',
  'forwarded',
  'unreachable',
] as const;
const readStatuses = ['read', 'deleted-without-being-read'] as const;
const retrieveStatuses = {
  ok: 0x80,
  'transient-failure': 0xc0,
  'transient-message-not-found': 0xc1,
  'transient-network-problem': 0xc2,
  'permanent-failure': 0xe0,
  'permanent-service-denied': 0xe1,
  'permanent-message-not-found': 0xe2,
  'permanent-content-unsupported': 0xe3,
} as const;

/** The status of a message (OMA-TS-MMS_ENC §7.3.51). */
export type MmsStatus = (typeof statuses)[number];
/** Whether a message was read (OMA-TS-MMS_ENC 7.3.37). */
export type MmsReadStatus = (typeof readStatuses)[number];
/** How a retrieval ended (OMA-TS-MMS_ENC 7.3.50). */
export type MmsRetrieveStatus = keyof typeof retrieveStatuses;

/** OMA-TS-MMS_ENC 7.3.51 */
export const status: MmsValue<MmsStatus> = enumerated(statuses);

/** OMA-TS-MMS_ENC 7.3.37 */
export const readStatus: MmsValue<MmsReadStatus> = enumerated(readStatuses);

const FIRST_TRANSIENT = 0xc0;
const FIRST_PERMANENT = 0xe0;
// Object.keys returns string[], but these are the keys of the table.
const retrieveNames = Object.keys(retrieveStatuses) as MmsRetrieveStatus[];

/** OMA-TS-MMS_ENC 7.3.50: the range of an unknown octet determines whether the failure is transient. */
export const retrieveStatus: MmsValue<MmsRetrieveStatus> = {
  read(reader, field) {
    const start = reader.offset;
    const octet = reader.octet(field);
    if (octet < 0x80) throw reader.failure(field, 'one octet (80 and above)', start);
    const known = retrieveNames.find((name) => retrieveStatuses[name] === octet);
    if (known !== undefined) return known;
    if (octet >= FIRST_PERMANENT) return 'permanent-failure';
    return octet >= FIRST_TRANSIENT ? 'transient-failure' : undefined;
  },
  write(writer, value) {
    writer.octet(retrieveStatuses[value]);
  },
};
