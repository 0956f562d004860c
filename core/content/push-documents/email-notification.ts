/** E-mail Notification (EMN 1.0): text/vnd.wap.emn+xml, application/vnd.wap.emn+wbxml. */

import { defineDocument } from '../document-codec.js';
import { dateAttribute, element, formatDate, requiredAttribute, unlessMalformed } from '../markup.js';
import { opaqueDate } from '../wbxml/dates.js';
import { WbxmlLanguage } from '../wbxml/language.js';

export const EMN = new WbxmlLanguage({
  title: 'EMN 1.0',
  publicId: 0x0d,
  documentType: {
    publicId: '-//WAPFORUM//DTD EMN 1.0//EN',
    systemId: 'http://www.wapforum.org/DTD/emn.dtd',
  },
  tags: [{ 0x05: 'emn' }],
  attributeStarts: [
    {
      0x05: ['timestamp'],
      0x06: ['mailbox'],
      0x07: ['mailbox', 'mailat:'],
      0x08: ['mailbox', 'pop://'],
      0x09: ['mailbox', 'imap://'],
      0x0a: ['mailbox', 'http://'],
      0x0b: ['mailbox', 'http://www.'],
      0x0c: ['mailbox', 'https://'],
      0x0d: ['mailbox', 'https://www.'],
    },
  ],
  // Without the slash of SI, SL and CO.
  attributeValues: [
    {
      0x85: '.com',
      0x86: '.edu',
      0x87: '.net',
      0x88: '.org',
    },
  ],
  opaqueAttributes: { timestamp: opaqueDate },
});

/** An E-Mail Notification (EMN 1.0): a mailbox has changed. */
export interface EmailNotification {
  /** `mailat:user@domain`, or the URI of the mailbox. */
  readonly mailbox: string;
  /** When the mailbox last changed. */
  readonly timestamp?: Date;
}

/** EMN 1.0: text/vnd.wap.emn+xml, application/vnd.wap.emn+wbxml. */
export const emailNotification = defineDocument<EmailNotification>(
  EMN,
  'emn',
  (emn, warn) => ({
    mailbox: requiredAttribute(emn, 'mailbox'),
    timestamp: unlessMalformed(warn, () => dateAttribute(emn, 'timestamp')),
  }),
  ({ mailbox, timestamp }) => element('emn', { mailbox, timestamp: formatDate(timestamp) }),
);
