/** Counts each file by its digest in the commit of its push, and emits all counts at each start. */

import { createHash } from 'node:crypto';
import { definePushApp } from 'sip-push/sdk';

export default definePushApp({
  id: 'files.ua',
  accepts: ['application/octet-stream'],
  order: 'parallel',
  needs: ['storage'],
  events: { counts: true, file: true },
  async start({ storage, emit }) {
    const counts = {};
    for await (const [key, value] of storage.entries()) counts[key] = value;
    emit('counts', { counts });
    return {
      async receive(push) {
        const hash = createHash('sha256');
        let size = 0;
        for await (const bytes of push.content.open()) {
          hash.update(bytes);
          size += bytes.length;
        }
        const sha256 = hash.digest('hex');
        const times = ((await storage.get(sha256)) ?? 0) + 1;
        await push.commit((tx) => {
          tx.put(sha256, times);
          tx.emit('file', { sha256, size, times, attempt: push.attempt });
        });
      },
    };
  },
});
