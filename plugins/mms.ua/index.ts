/** mms.ua: accepts notifications of multimedia messages, emits events, and retrieves the messages. */

import type { MmsNotification } from 'sip-push/formats';
import { definePushApp } from 'sip-push/sdk';
import { Answers } from './answers.js';
import { type MmsTransaction, NEEDS } from './context.js';
import { describePdu } from './description.js';
import { DuplicateFilter } from './duplicate-filter.js';
import { events } from './events.js';
import { expired, isExpired, messageOf } from './message.js';
import { Messages } from './messages.js';
import { Mmsc } from './mmsc.js';
import { options } from './options.js';
import { identityOf, type Report, readPushedPdu } from './pushed-pdu.js';
import { queries, queryHandlers } from './queries.js';
import { MMS_TYPE } from './retrieval.js';
import { Retrievals } from './retrievals.js';

export default definePushApp({
  id: 'mms.ua',
  accepts: [MMS_TYPE],
  // Octets. Real notifications have a few hundred.
  maxSize: 65_536,
  // A retrieval delays neither pushes nor other retrievals.
  order: 'parallel',
  // Seconds. A large message takes minutes on a slow network.
  timeout: 900,
  needs: NEEDS,
  options,
  events,
  queries,
  async start(context) {
    const { storage, log, clock } = context;
    const duplicates = await DuplicateFilter.open(storage);
    const messages = await Messages.open(context);
    const mmsc = new Mmsc(context.options);
    const answers = new Answers(context, messages, mmsc);
    const retrievals = new Retrievals(context, messages, mmsc);

    function addNotification(tx: MmsTransaction, key: string, pdu: MmsNotification, receivedAt: Date): void {
      const message = messageOf(key, pdu, receivedAt, context.options);
      const { transactionId, from, subject, messageSize, expiry, contentLocation } = message;
      if (!isExpired(message, clock.now())) {
        tx.emit('notification', { transactionId, from, subject, messageSize, expiry, contentLocation });
        messages.add(tx, message);
        return;
      }
      tx.afterCommit(() => log.info(`notification ${transactionId} expired at ${expiry}: ignored`));
      // With manual retrieval nothing is sent to the MMSC without the user.
      if (context.options.retrieve === 'manual') return;
      messages.add(tx, expired({ ...message, responded: false, answers: [] }));
    }

    return {
      async receive(push) {
        const incoming = await readPushedPdu(push);
        const key = await identityOf(incoming);
        await push.commit(async (tx) => {
          const { type, pdu } = incoming;
          if (duplicates.has(key)) {
            const what =
              type === 'M-Notification.ind'
                ? `notification ${pdu.transactionId}`
                : `${type} of ${pdu.messageId}`;
            tx.afterCommit(() => log.info(`${what} is a duplicate: ignored`));
            return;
          }
          duplicates.add(tx, key, push.receivedAt);
          for (const warning of pdu.warnings ?? []) tx.afterCommit(() => log.warn(`left out: ${warning}`));
          if (type === 'M-Notification.ind') addNotification(tx, key, pdu, push.receivedAt);
          else emitReport(tx, incoming);
        });
      },
      describe: async (push) => describePdu(await readPushedPdu(push), push.receivedAt),
      alarm: (alarm) => (alarm.key.startsWith('answer/') ? answers.post(alarm) : retrievals.retrieve(alarm)),
      queries: queryHandlers(context, messages),
    };
  },
});

function emitReport(tx: MmsTransaction, { type, pdu }: Report): void {
  const { messageId, to } = pdu;
  const date = pdu.date.toISOString();
  if (type === 'M-Delivery.ind') {
    const { status, statusText } = pdu;
    tx.emit('delivery-report', { messageId, to, date, status, statusText });
  } else {
    tx.emit('read-report', { messageId, from: pdu.from, to, date, status: pdu.readStatus });
  }
}
