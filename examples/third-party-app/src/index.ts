/** emn.ua: e-mail notifications (WAP EMN 1.0), which mailbox changed and when. */

import { definePushApp } from 'sip-push/sdk';
import { notificationOf, WBXML, XML } from './notification.js';

/** A device has a few mailboxes. The limit bounds the storage. */
const MAX_MAILBOXES = 100;

export default definePushApp({
  id: 'emn.ua',
  accepts: [XML, WBXML],
  maxSize: 4096, // a notification has about 100 bytes
  needs: ['storage', 'log'],
  events: { mail: true },
  queries: { mailboxes: true },

  start({ storage, log }) {
    /** The mailboxes and the times of their last changes, in milliseconds. The oldest is first. */
    async function changes(): Promise<[mailbox: string, at: number][]> {
      const changed: [string, number][] = [];
      for await (const [mailbox, at] of storage.entries()) changed.push([mailbox, Number(at)]);
      return changed.sort(([, one], [, other]) => one - other);
    }

    return {
      async receive(push) {
        const { mailbox, timestamp = push.receivedAt } = await notificationOf(push);
        const last = await storage.get(mailbox);
        // The timestamp distinguishes a new notification from a repeated or delayed one.
        if (last !== undefined && timestamp.getTime() <= Number(last)) {
          log.info(`notification of ${mailbox} at ${timestamp.toISOString()} ignored: it is not the newest`);
          return;
        }
        const [oldest, ...others] = await changes();
        await push.commit((tx) => {
          if (oldest && last === undefined && others.length + 1 >= MAX_MAILBOXES) tx.delete(oldest[0]);
          tx.put(mailbox, timestamp.getTime());
          tx.emit('mail', { mailbox, timestamp: timestamp.toISOString() });
        });
      },
      async describe(push) {
        const { mailbox, timestamp } = await notificationOf(push);
        return {
          title: 'New mail',
          text: mailbox,
          fields: timestamp ? { Changed: timestamp.toISOString() } : {},
        };
      },
      queries: {
        async mailboxes() {
          return (await changes()).map(([mailbox, at]) => ({ mailbox, changed: new Date(at).toISOString() }));
        },
      },
    };
  },
});
