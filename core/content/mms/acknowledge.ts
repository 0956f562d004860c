/** M-Acknowledge.ind: a device has the message that it was told of before (OMA-TS-MMS_ENC 6.4). */

import { optional, required } from './layout.js';
import { definePdu, type WithOthers } from './pdu.js';
import { boolean, textString, version } from './value.js';

interface AcknowledgeFields {
  /** That of the M-Retrieve.conf. */
  readonly transactionId: string;
  /** `1.2` */
  readonly version: string;
  /** Whether the sender may be told that the message was delivered; yes where it is absent. */
  readonly reportAllowed?: boolean;
}

export type MmsAcknowledge = AcknowledgeFields & WithOthers;

const acknowledgeCodec = definePdu<AcknowledgeFields>('M-Acknowledge.ind', {
  transactionId: required('X-Mms-Transaction-ID', textString),
  version: required('X-Mms-MMS-Version', version),
  reportAllowed: optional('X-Mms-Report-Allowed', boolean),
});

/** @throws MalformedError naming the field, its offset, and what was expected there. */
export const decodeAcknowledge: (pdu: Uint8Array) => MmsAcknowledge = acknowledgeCodec.decode;

/** @throws ConfigurationError where a value does not fit its field. */
export const encodeAcknowledge: (acknowledge: MmsAcknowledge) => Uint8Array = acknowledgeCodec.encode;
