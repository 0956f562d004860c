/** mms.ua: takes the notification that a multimedia message waits, and tells the host's user. */

import {
  absoluteTime,
  decodeNotification,
  MalformedError,
  type MmsNotification,
  mmsMessageType,
} from 'sip-push/formats';
import { definePushApp, type Push, PushRefused } from 'sip-push/sdk';
import { describeNotification } from './description.js';
import { SeenNotifications } from './seen-notifications.js';

/** A notification has a few hundred octets; the largest URI and subject that anyone sends fit many times. */
const MAX_SIZE = 65_536;
const NOTIFICATION = 'M-Notification.ind';

export default definePushApp({
  id: 'mms.ua',
  accepts: ['application/vnd.wap.mms-message'],
  needs: ['storage', 'log', 'emit', 'clock'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start({ storage, log, emit, clock }) {
    const seen = await SeenNotifications.open(storage);
    return {
      async receive(push, { commit }) {
        const notification = await notificationOf(push);
        const { transactionId, contentLocation } = notification;
        const expiry = absoluteTime(notification.expiry, push.receivedAt);
        if (expiry <= clock.now()) {
          log.info(`notification ${transactionId} expired at ${expiry.toISOString()}: dropped`);
          return;
        }
        const isNew = await seen.once(transactionId, contentLocation, push.receivedAt, async (operations) => {
          // Before the commit: whoever dies between the two tells it twice, but never not at all.
          emit('notification', {
            transactionId,
            ...(notification.from === undefined ? {} : { from: notification.from }),
            ...(notification.subject === undefined ? {} : { subject: notification.subject }),
            messageSize: notification.messageSize,
            expiry: expiry.toISOString(),
            contentLocation,
          });
          await commit(operations);
        });
        if (!isNew) log.info(`notification ${transactionId} came before: dropped`);
      },
      async describe(push) {
        return describeNotification(await notificationOf(push), push.receivedAt);
      },
    };
  },
});

/**
 * @throws PushRefused of kind `type`: the octets are not what their media type says, or not what this
 * application reads, and never will be, so that the sender is not to try again.
 */
async function notificationOf(push: Push): Promise<MmsNotification> {
  const pdu = await push.content.bytes(MAX_SIZE);
  try {
    const type = mmsMessageType(pdu);
    if (type !== NOTIFICATION) throw new PushRefused('type', `MMS PDU is ${type}, expected ${NOTIFICATION}`);
    const notification = decodeNotification(pdu);
    // OMA-TS-MMS_ENC 8: another major version may mean anything by its fields.
    if (!notification.version.startsWith('1')) {
      throw new PushRefused('type', `MMS version ${notification.version}, expected 1.x`);
    }
    return notification;
  } catch (error) {
    if (error instanceof MalformedError) throw new PushRefused('type', error.message, { cause: error });
    throw error;
  }
}
