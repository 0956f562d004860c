/** The PDUs that mms.ua accepts: notifications, delivery reports and read reports. */

import {
  decodeDeliveryReport,
  decodeNotification,
  decodeReadForOriginator,
  type MmsDeliveryReport,
  type MmsNotification,
  type MmsReadForOriginator,
  mmsMessageType,
  sha256,
} from 'sip-push/formats';
import { type Push, refuse } from 'sip-push/sdk';

export type PushedPdu =
  | { readonly type: 'M-Notification.ind'; readonly pdu: MmsNotification }
  | { readonly type: 'M-Delivery.ind'; readonly pdu: MmsDeliveryReport }
  | { readonly type: 'M-Read-Orig.ind'; readonly pdu: MmsReadForOriginator };

export type Report = Exclude<PushedPdu, { type: 'M-Notification.ind' }>;

/** @throws MalformedError, and PushRefused of kind `type` if the content is another PDU. */
export async function readPushedPdu(push: Push): Promise<PushedPdu> {
  const incoming = decode(await push.bytes());
  const { version } = incoming.pdu;
  // OMA-TS-MMS_ENC 8: fields can have another meaning in another major version.
  if (!version.startsWith('1')) throw refuse('type', `invalid MMS version ${version}: expected 1.x`);
  return incoming;
}

/** SHA-256 of the fields that a PDU and its repetitions share: a storage key has a limit, and these texts have none. */
export function identityOf({ type, pdu }: PushedPdu): Promise<string> {
  const identity = type === 'M-Notification.ind' ? [pdu.transactionId, pdu.contentLocation] : [type, pdu];
  return sha256(JSON.stringify(identity));
}

function decode(octets: Uint8Array): PushedPdu {
  const type = mmsMessageType(octets);
  switch (type) {
    case 'M-Notification.ind':
      return { type, pdu: decodeNotification(octets) };
    case 'M-Delivery.ind':
      return { type, pdu: decodeDeliveryReport(octets) };
    case 'M-Read-Orig.ind':
      return { type, pdu: decodeReadForOriginator(octets) };
    default:
      throw refuse(
        'type',
        `unsupported MMS PDU ${type}: expected M-Notification.ind, M-Delivery.ind or M-Read-Orig.ind`,
      );
  }
}
