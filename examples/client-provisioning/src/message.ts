/** The content of a push: a provisioning document in XML or WBXML, with its authentication. */

import { type Push, refuse } from 'sip-push/sdk';
import { type Authentication, authenticationOf } from './authentication.js';
import { type Characteristic, provisioningDocument } from './document.js';
import { type Settings, settingsOf } from './settings.js';

/** A document with a few accounts has about 2 KiB in WBXML and 8 KiB in XML. */
export const MAX_SIZE = 32_768;

const READERS: Readonly<Record<string, (octets: Uint8Array, charset?: string) => readonly Characteristic[]>> =
  {
    'text/vnd.wap.connectivity-xml': provisioningDocument.fromXml,
    'application/vnd.wap.connectivity-wbxml': (octets, charset) =>
      provisioningDocument.fromWbxml(octets, { charset }),
  };

export const MEDIA_TYPES = Object.keys(READERS);

export interface Message {
  /** The document as received, which the MAC covers. */
  readonly octets: Uint8Array;
  readonly settings: Settings;
  readonly authentication?: Authentication;
}

/** @throws MalformedError if the content is not a provisioning document; a refusal of kind `size` if it is too large. */
export async function messageOf(push: Push): Promise<Message> {
  const { type } = push.content;
  const read = READERS[type.type];
  if (!read)
    throw refuse('type', `unsupported media type ${type.type}: expected ${MEDIA_TYPES.join(' or ')}`);
  const octets = await push.bytes();
  return {
    octets,
    settings: settingsOf(read(octets, type.parameters.charset)),
    authentication: authenticationOf(type),
  };
}
