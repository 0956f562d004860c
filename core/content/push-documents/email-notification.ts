/** E-mail Notification (EMN 1.0): text/vnd.wap.emn+xml, application/vnd.wap.emn+wbxml. */

import { defineDocument } from '../document-codec.js';
import { dateAttribute, element, formatDate, requiredAttribute } from '../markup.js';
import { opaqueDate } from '../wbxml/dates.js';
import { WbxmlLanguage } from '../wbxml/language.js';

export const EMN = new WbxmlLanguage({
  title: 'EMN 1.0',
  publicId: 0x0d,
  documentType: {
    publicId: '-//WAPFORUM//DTD EMN 1.0//EN',
    systemId: 'http://www.wapforum.org/DTD/emn.dtd',
  },
  tags: [{ 5: 'emn' }],
  attributeStarts: [
    {
      5: ['timestamp'],
      6: ['mailbox'],
      7: ['mailbox', 'mailat:'],
      8: ['mailbox', 'pop://'],
      9: ['mailbox', 'imap://'],
      10: ['mailbox', 'http://'],
      11: ['mailbox', 'http://www.'],
      12: ['mailbox', 'https://'],
      13: ['mailbox', 'https://www.'],
    },
  ],
  // Without the slash of SI, SL and CO.
  attributeValues: [
    {
      133: '.com',
      134: '.edu',
      135: '.net',
      136: '.org',
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
  (emn) => ({
    mailbox: requiredAttribute(emn, 'mailbox'),
    timestamp: dateAttribute(emn, 'timestamp'),
  }),
  ({ mailbox, timestamp }) => element('emn', { mailbox, timestamp: formatDate(timestamp) }),
);
