/** mms.ua: accepts notifications of multimedia messages, emits events, and retrieves the messages. */

import type { MmsNotification } from 'sip-push/formats';
import { definePushApp, printable, type ReceiveContext } from 'sip-push/sdk';
import { Answers } from './answers.js';
import { describePdu, notificationFields, type Report, reportEvent } from './description.js';
import { DuplicateFilter } from './duplicate-filter.js';
import { finished, isExpired, type Message, messageOf, withResponse } from './message.js';
import { Messages } from './messages.js';
import { readOptions } from './options.js';
import { MAX_SIZE, readPushedPdu } from './pushed-pdu.js';
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
    const duplicates = await DuplicateFilter.open(storage);
    const messages = await Messages.open(services);
    const answers = new Answers({ ...services, messages, options });
    const retrievals = new Retrievals({ ...services, messages, answers });
    const queries = new Queries({ ...services, messages, answers, retrievals });
    for (const message of messages.all()) resume(message);

    function resume(message: Message): void {
      retrievals.resume(message);
      answers.resume(message);
    }

    // The event is emitted before the commit: a crash between the two repeats the event and never loses it.
    function receiveNotification(
      notification: MmsNotification,
      receivedAt: Date,
      commit: Commit,
    ): Promise<boolean> {
      const { transactionId, contentLocation } = notification;
      return duplicates.once([transactionId, contentLocation], receivedAt, async (operations, key) => {
        const message = messageOf(key, notification, receivedAt, options);
        const stored = isExpired(message, clock.now()) ? expiredMessage(message) : message;
        if (stored === message) emit('notification', notificationFields(message));
        if (!stored) return commit(operations);
        await messages.add(stored, clock.now(), (more) => commit([...operations, ...more]));
        resume(stored);
      });
    }

    function expiredMessage(message: Message): Message | undefined {
      const { transactionId, expiry } = message;
      log.info(`notification ${printable(transactionId)} expired at ${expiry}: ignored`);
      // With manual retrieval nothing is sent to the MMSC without the user.
      return options.retrieve === 'manual' ? undefined : finished(expiredAnswer(message));
    }

    function receiveReport(report: Report, receivedAt: Date, commit: Commit): Promise<boolean> {
      const { kind, fields } = reportEvent(report);
      const identity = [report.type, ...Object.values(fields)];
      return duplicates.once(identity, receivedAt, async (operations) => {
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
            ? await receiveNotification(pdu, push.receivedAt, commit)
            : await receiveReport(incoming, push.receivedAt, commit);
        if (isNew) return;
        const what =
          type === 'M-Notification.ind' ? `notification ${pdu.transactionId}` : `${type} of ${pdu.messageId}`;
        log.info(`${printable(what)} is a duplicate: ignored`);
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
