/** What mms.ua is pushed: one of three PDUs, which their first field tells apart. */

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

/** A notification has a few hundred octets; the largest URI and subject that anyone sends fit many times. */
export const MAX_SIZE = 65_536;

export type PushedPdu =
  | { readonly type: 'M-Notification.ind'; readonly pdu: MmsNotification }
  | { readonly type: 'M-Delivery.ind'; readonly pdu: MmsDeliveryReport }
  | { readonly type: 'M-Read-Orig.ind'; readonly pdu: MmsReadForOriginator };

/**
 * @throws PushRefused of kind `type`: the octets are not what their media type says, or not what this
 * application reads, and never will be, so that the sender is not to try again.
 */
export async function readPushedPdu(push: Push): Promise<PushedPdu> {
  const octets = await push.content.bytes(MAX_SIZE);
  try {
    const incoming = decode(octets);
    const { version } = incoming.pdu;
    // OMA-TS-MMS_ENC 8: another major version may mean anything by its fields.
    if (!version.startsWith('1')) throw new PushRefused('type', `MMS version ${version}, expected 1.x`);
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
        `MMS PDU is ${type}, expected M-Notification.ind, M-Delivery.ind or M-Read-Orig.ind`,
      );
  }
}
