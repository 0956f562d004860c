/** A push application that counts pushes in its storage, in the same write that completes each push. */

import { definePushApp } from 'sip-push/sdk';

export interface Counted {
  app: ReturnType<typeof definePushApp>;
  /** Digest-like key of each content → how often it was committed, in this process. */
  counts: Map<string, number>;
}

export function countingApp(id = 'mms.ua', accepts: string[] = ['application/vnd.wap.mms-message']): Counted {
  const counts = new Map<string, number>();
  const app = definePushApp({
    id,
    accepts,
    needs: ['storage'],
    delivery: 'durable',
    start({ storage }) {
      return {
        async receive(push, { commit }) {
          const key = Buffer.from(await push.content.bytes(100_000)).toString('base64url');
          const before = ((await storage.get(key)) as number | undefined) ?? 0;
          await commit([{ type: 'put', key, value: before + 1 }]);
          counts.set(key, before + 1);
        },
      };
    },
  });
  return { app, counts };
}
