/** A receiver on an application server (ISC, appendix E): the core sends it requests, and it does not register. */

import { definePushApp } from 'sip-push/sdk';
import { afterEach, expect, it } from 'vitest';
import type { Push } from '../../core/app/contract/push.js';
import { memoryContent } from '../../core/content/content.js';
import { createPushReceiver } from '../../core/host.js';
import { startNetwork } from '../../sdk/network/index.js';
import { startSender } from '../support/agents/agents.js';
import { freePort } from '../support/programs/ports.js';

const SERVICE = 'sip:archive@domain.test';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it.each(['pager', 'session'] as const)(
  'E-01, E.1.1: accepts pushes in %s mode without a registration',
  async (mode) => {
    const listen = `sip:127.0.0.1:${await freePort()};transport=udp`;
    const methods: (string | undefined)[] = [];
    const network = await startNetwork({
      applicationServers: { [SERVICE]: listen },
      onEvent: (event) => event.event === 'message' && methods.push(event.method),
    });
    closing.push(() => network.close());
    const pushes: Push[] = [];
    const app = definePushApp({
      id: 'archive.ua',
      accepts: ['text/plain'],
      delivery: 'direct',
      order: 'parallel',
      start: () => ({
        async receive(push) {
          await push.content.bytes(100_000);
          pushes.push(push);
        },
      }),
    });
    const [server = ''] = network.uris;
    const host = await createPushReceiver({
      ...{ identity: SERVICE, servers: [server], listen, expires: 600, product: 'test/1' },
      ...{ trust: ['sip:psa@domain.test'], apps: [{ definition: app }], onEvent: () => {} },
    });
    closing.push(() => host.stop('the test ended'));
    const sender = await startSender({ servers: [server], instanceId: `urn:uuid:${crypto.randomUUID()}` });
    closing.push(() => sender.stop());
    const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.alloc(50_000, 'x'));
    const small = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello'));
    const receipts = await sender.send({
      ...{ to: SERVICE, app: 'archive.ua', mode },
      content: mode === 'session' ? content : small,
    });
    expect(receipts).toMatchObject([{ outcome: 'delivered', mode }]);
    expect(pushes).toMatchObject([{ from: 'sip:psa@domain.test' }]);
    expect(host.registration).toBeUndefined();
    // The registration of the sender.
    expect(methods.filter((method) => method === 'REGISTER')).toHaveLength(1);
  },
);
