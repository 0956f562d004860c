/** Counts each content in the commit of its push, and emits all counts at each start. */

import { definePushApp } from 'sip-push/sdk';

export default definePushApp({
  id: 'count.ua',
  accepts: ['text/plain'],
  needs: ['storage', 'emit'],
  delivery: 'durable',
  async start({ storage, emit }) {
    const counts = {};
    for await (const [key, value] of storage.entries()) counts[key] = value;
    emit('counts', { counts });
    return {
      async receive(push, { commit }) {
        const key = new TextDecoder().decode(await push.content.bytes(1000));
        const before = (await storage.get(key)) ?? 0;
        await commit([{ type: 'put', key, value: before + 1 }]);
      },
    };
  },
});
