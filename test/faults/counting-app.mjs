/** Counts each content in the commit of its push, and emits all counts at each start. */

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
        const key = new TextDecoder().decode(await push.content.bytes(1000));
        const before = (await storage.get(key)) ?? 0;
        await push.commit((tx) => tx.put(key, before + 1));
      },
    };
  },
});
