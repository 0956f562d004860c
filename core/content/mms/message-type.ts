/** MMS PDU types by the value of X-Mms-Message-Type (OMA-TS-MMS_ENC 7.3.30), which is always the first field. */

import { hexOctet, OctetReader } from '../wsp/octet-reader.js';

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
 * What an MMS PDU is, by its first field alone: `M-Notification.ind`; a type that is not known gives
 * `unknown type XX`.
 * @throws MalformedError where the first field is not X-Mms-Message-Type.
 */
export function mmsMessageType(pdu: Uint8Array): string {
  return readMessageType(new OctetReader(pdu, 'MMS PDU'));
}

export function readMessageType(reader: OctetReader): string {
  if (reader.peek() !== MESSAGE_TYPE) throw reader.failure(FIELD, 'the field 8C, first of every MMS PDU');
  reader.octet(FIELD);
  const octet = reader.octet(FIELD);
  return typeNames.get(octet) ?? `unknown type ${hexOctet(octet)}`;
}
