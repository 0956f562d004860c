/** connections.ua: the connection manager of a device. A push selects the access point, a service configures them. */

import { definePushApp, refuse } from 'sip-push/sdk';
import * as z from 'zod/mini';
import type { AccessPoint, ConnectionManager, NetworkProxy } from './connection-manager.js';

export type { AccessPoint, ConnectionManager, Credentials, NetworkProxy } from './connection-manager.js';

export default definePushApp({
  id: 'connections.ua',
  accepts: ['text/plain'],
  maxSize: 128,
  needs: ['storage'],
  provides: ['connections.manager'],
  events: { selected: z.object({ id: z.string() }) },
  queries: { accessPoints: true, proxies: true, selected: true },
  start({ storage }) {
    const save: ConnectionManager['save'] = ({ accessPoints, proxies }) =>
      storage.transaction((tx) => {
        for (const accessPoint of accessPoints) tx.put(`access-point/${accessPoint.id}`, accessPoint);
        for (const proxy of proxies) tx.put(`proxy/${proxy.id}`, proxy);
      });

    async function list<T extends AccessPoint | NetworkProxy>(prefix: string): Promise<T[]> {
      const values: T[] = [];
      // Only `save` writes these values.
      for await (const [, value] of storage.entries({ prefix })) values.push(value as T);
      return values;
    }

    return {
      /** The content is the id of the access point to use. */
      async receive(push) {
        const id = (await push.text()).trim();
        if ((await storage.get(`access-point/${id}`)) === undefined) {
          throw refuse('declined', 'the device does not have this access point');
        }
        await push.commit((tx) => {
          tx.put('selected', id);
          tx.emit('selected', { id });
        });
      },
      services: { 'connections.manager': { save } },
      queries: {
        accessPoints: () => list<AccessPoint>('access-point/'),
        proxies: () => list<NetworkProxy>('proxy/'),
        selected: () => storage.get('selected'),
      },
    };
  },
});
