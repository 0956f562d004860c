/** The content of emn.ua: an e-mail notification in XML or WBXML. */

import { type EmailNotification, emailNotification, MalformedError } from 'sip-push/formats';
import { type Push, PushRefused } from 'sip-push/sdk';

/** A notification has about 100 bytes. */
export const MAX_SIZE = 4096;
/** Characters of a storage key. WBXML expands, so the limit on the size does not bound it. */
const MAX_MAILBOX = 512;

const READERS: Readonly<Record<string, (octets: Uint8Array) => EmailNotification>> = {
  'text/vnd.wap.emn+xml': emailNotification.fromXml,
  'application/vnd.wap.emn+wbxml': emailNotification.fromWbxml,
};

export const MEDIA_TYPES = Object.keys(READERS);

/** @throws PushRefused with `type` if the content is not a notification, with `size` if its mailbox is too long. */
export async function notificationOf({ content }: Push): Promise<EmailNotification> {
  const read = READERS[content.type.type];
  if (!read) throw new PushRefused('type', `${content.type.type}, expected ${MEDIA_TYPES.join(' or ')}`);
  const notification = readOrRefuse(read, await content.bytes(MAX_SIZE));
  if (notification.mailbox === '') throw new PushRefused('type', 'emn: mailbox is empty, expected a URI');
  if (notification.mailbox.length > MAX_MAILBOX) {
    throw new PushRefused('size', `emn: mailbox is longer than ${MAX_MAILBOX} characters`);
  }
  return notification;
}

function readOrRefuse(
  read: (octets: Uint8Array) => EmailNotification,
  octets: Uint8Array,
): EmailNotification {
  try {
    return read(octets);
  } catch (error) {
    if (error instanceof MalformedError) throw new PushRefused('type', error.message, { cause: error });
    throw error;
  }
}
