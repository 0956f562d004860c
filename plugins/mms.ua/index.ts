/** mms.ua: takes the notification that a multimedia message waits, tells the host's user, and retrieves it. */

import type { MmsNotification } from 'sip-push/formats';
import { definePushApp, printable, type ReceiveContext } from 'sip-push/sdk';
import { Answers } from './answers.js';
import { describePdu, notificationFields, type Report, reportEvent } from './description.js';
import { DuplicateFilter } from './duplicate-filter.js';
import { isExpired, type Message, messageOf, finished, withResponse } from './message.js';
import { Messages } from './messages.js';
import { readOptions } from './options.js';
import { readPushedPdu, MAX_SIZE } from './pushed-pdu.js';
import { Queries } from './queries.js';
import { MMS_TYPE } from './retrieval.js';
import { Retrievals } from './retrievals.js';

export default definePushApp({
  id: 'mms.ua',
  accepts: [MMS_TYPE],
  needs: ['storage', 'files', 'fetch', 'log', 'emit', 'clock'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start(services) {
    const { storage, log, emit, clock } = services;
    const options = readOptions(services.options);
    const seen = await DuplicateFilter.open(storage);
    const messages = await Messages.open(services);
    const answers = new Answers({ ...services, messages, options });
    const retrievals = new Retrievals({ ...services, messages, answers });
    const queries = new Queries({ ...services, messages, answers, retrievals });
    for (const message of messages.all()) wake(message);

    function wake(message: Message): void {
      retrievals.resume(message);
      answers.resume(message);
    }

    // What is told is told before the commit: whoever dies between the two tells it twice, but never not at all.
    function notified(notification: MmsNotification, receivedAt: Date, commit: Commit): Promise<boolean> {
      const { transactionId, contentLocation } = notification;
      return seen.once([transactionId, contentLocation], receivedAt, async (operations, key) => {
        const message = messageOf(key, notification, receivedAt, options);
        const kept = isExpired(message, clock.now()) ? expired(message) : message;
        if (kept === message) emit('notification', notificationFields(message));
        if (!kept) return commit(operations);
        await messages.add(kept, clock.now(), (more) => commit([...operations, ...more]));
        wake(kept);
      });
    }

    function expired(message: Message): Message | undefined {
      const { transactionId, expiry } = message;
      log.info(`notification ${printable(transactionId)} expired at ${expiry}: dropped`);
      // Whoever retrieves nothing by himself answers nothing by himself.
      return options.retrieve === 'manual' ? undefined : finished(expiredAnswer(message));
    }

    function reported(report: Report, receivedAt: Date, commit: Commit): Promise<boolean> {
      const { kind, fields } = reportEvent(report);
      const identity = [report.type, ...Object.values(fields)];
      return seen.once(identity, receivedAt, async (operations) => {
        emit(kind, fields);
        await commit(operations);
      });
    }

    return {
      async receive(push, { commit }) {
        const incoming = await readPushedPdu(push);
        const { type, pdu } = incoming;
        const isNew =
          type === 'M-Notification.ind'
            ? await notified(pdu, push.receivedAt, commit)
            : await reported(incoming, push.receivedAt, commit);
        if (isNew) return;
        const what =
          type === 'M-Notification.ind' ? `notification ${pdu.transactionId}` : `${type} of ${pdu.messageId}`;
        log.info(`${printable(what)} came before: dropped`);
      },
      async describe(push) {
        return describePdu(await readPushedPdu(push), push.receivedAt);
      },
      query: (name, args) => queries.answer(name, args),
      async stop() {
        await Promise.all([retrievals.stop(), answers.stop()]);
      },
    };
  },
});

function expiredAnswer(message: Message): Message {
  return withResponse({ ...message, responded: false, answers: [] }, 'expired');
}

type Commit = ReceiveContext['commit'];
