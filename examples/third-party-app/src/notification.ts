/** The content of emn.ua: an e-mail notification in XML or WBXML. */

import { type EmailNotification, emailNotification } from 'sip-push/formats';
import { type Push, refuse } from 'sip-push/sdk';

export const XML = 'text/vnd.wap.emn+xml';
export const WBXML = 'application/vnd.wap.emn+wbxml';

/** Characters of a storage key. WBXML expands, so `maxSize` does not bound it. */
const MAX_MAILBOX = 512;

/** @throws MalformedError, or PushRefused if the mailbox is missing or too long. */
export async function notificationOf(push: Push): Promise<EmailNotification> {
  const bytes = await push.bytes();
  const { type, parameters } = push.content.type;
  const { charset } = parameters;
  const notification =
    type === XML
      ? emailNotification.fromXml(bytes, charset)
      : emailNotification.fromWbxml(bytes, { charset });
  const { mailbox } = notification;
  if (mailbox === '') throw refuse('type', 'invalid emn mailbox "": expected a URI');
  if (mailbox.length > MAX_MAILBOX) {
    throw refuse('size', `the emn mailbox has ${mailbox.length} characters: expected at most ${MAX_MAILBOX}`);
  }
  return notification;
}
