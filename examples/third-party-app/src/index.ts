/** emn.ua: e-mail notifications (WAP EMN 1.0), which mailbox changed and when. */

import { definePushApp, type PushDescription, printable, type ReceiveContext, TaskQueue } from 'sip-push/sdk';
import { MAX_SIZE, MEDIA_TYPES, notificationOf } from './notification.js';

/** A device has a few mailboxes. The limit bounds the storage. */
const MAX_MAILBOXES = 100;

export default definePushApp({
  id: 'emn.ua',
  accepts: MEDIA_TYPES,
  needs: ['storage', 'log', 'emit'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start({ storage, log, emit }) {
    // When each mailbox last changed, by its URI: a copy of the storage in memory.
    const changed = new Map<string, number>();
    for await (const [mailbox, at] of storage.entries()) {
      if (typeof at === 'number') changed.set(mailbox, at);
    }

    const queue = new TaskQueue();

    async function tell(mailbox: string, timestamp: Date, commit: ReceiveContext['commit']) {
      const at = timestamp.getTime();
      // The timestamp distinguishes a new notification from a repeated or delayed one.
      if (at <= (changed.get(mailbox) ?? Number.NEGATIVE_INFINITY)) {
        log.info(`${printable(mailbox)} had changed at ${timestamp.toISOString()} already: dropped`);
        return commit();
      }
      const oldest = changed.has(mailbox) || changed.size < MAX_MAILBOXES ? undefined : oldestOf(changed);
      // Emitted before the commit: a crash between the two repeats the event, and never loses it.
      emit('mail', { mailbox, timestamp: timestamp.toISOString() });
      await commit([
        { type: 'put', key: mailbox, value: at },
        ...(oldest === undefined ? [] : [{ type: 'delete' as const, key: oldest }]),
      ]);
      if (oldest !== undefined) changed.delete(oldest);
      changed.set(mailbox, at);
    }

    return {
      async receive(push, { commit }) {
        const { mailbox, timestamp = push.receivedAt } = await notificationOf(push);
        // In turn, because a notification must be compared with the previous one for its mailbox.
        await queue.run(() => tell(mailbox, timestamp, commit));
      },
      async describe(push): Promise<PushDescription> {
        const { mailbox, timestamp } = await notificationOf(push);
        return {
          title: 'New mail',
          text: mailbox,
          fields: timestamp && { Changed: timestamp.toISOString() },
        };
      },
      query(name) {
        if (name !== 'mailboxes') throw new Error(`no query "${name}"; expected "mailboxes"`);
        return [...changed].map(([mailbox, at]) => ({ mailbox, changed: new Date(at).toISOString() }));
      },
    };
  },
});

function oldestOf(changed: ReadonlyMap<string, number>): string | undefined {
  let oldest: [mailbox: string, at: number] | undefined;
  for (const entry of changed) if (!oldest || entry[1] < oldest[1]) oldest = entry;
  return oldest?.[0];
}
