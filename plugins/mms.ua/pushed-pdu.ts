/** The PDUs that mms.ua accepts: notifications, delivery reports and read reports. */

import {
  decodeDeliveryReport,
  decodeNotification,
  decodeReadForOriginator,
  MalformedError,
  type MmsDeliveryReport,
  type MmsNotification,
  type MmsReadForOriginator,
  mmsMessageType,
} from 'sip-push/formats';
import { type Push, PushRefused } from 'sip-push/sdk';

/** Octets. Real notifications have a few hundred. */
export const MAX_SIZE = 65_536;

export type PushedPdu =
  | { readonly type: 'M-Notification.ind'; readonly pdu: MmsNotification }
  | { readonly type: 'M-Delivery.ind'; readonly pdu: MmsDeliveryReport }
  | { readonly type: 'M-Read-Orig.ind'; readonly pdu: MmsReadForOriginator };

/** @throws PushRefused of kind `type` if the content is not one of these PDUs. */
export async function readPushedPdu(push: Push): Promise<PushedPdu> {
  const octets = await push.content.bytes(MAX_SIZE);
  try {
    const incoming = decode(octets);
    const { version } = incoming.pdu;
    // OMA-TS-MMS_ENC 8: fields can have another meaning in another major version.
    if (!version.startsWith('1'))
      throw new PushRefused('type', `invalid MMS version ${version}: expected 1.x`);
    return incoming;
  } catch (error) {
    if (error instanceof MalformedError) throw new PushRefused('type', error.message, { cause: error });
    throw error;
  }
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
      throw new PushRefused(
        'type',
        `unsupported MMS PDU ${type}: expected M-Notification.ind, M-Delivery.ind or M-Read-Orig.ind`,
      );
  }
}
