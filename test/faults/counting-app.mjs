/**
 * Counts each content in the commit of its push, by its first line and its length. Emits all counts at each start, and each
 * later one.
 */

import { definePushApp } from 'sip-push/sdk';

export default definePushApp({
  id: 'count.ua',
  accepts: ['text/plain'],
  order: 'parallel',
  needs: ['storage'],
  events: { counts: true },
  async start({ storage, emit }) {
    const counts = {};
    for await (const [key, value] of storage.entries()) counts[key] = value;
    emit('counts', { counts });
    return {
      async receive(push) {
        const text = await push.text();
        const key = `${text.split('\n', 1)[0]}, ${text.length} characters`;
        const before = (await storage.get(key)) ?? 0;
        await push.commit((tx) => tx.put(key, before + 1));
        emit('counts', { counts: { [key]: before + 1 } });
      },
    };
  },
});
