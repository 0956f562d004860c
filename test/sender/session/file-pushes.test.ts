/** Session mode between a sender and a receiver over the embedded network (TS 8.2). */

import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { memoryContent } from '../../../core/content/content.js';
import type { PushSenderAgent } from '../../../core/sender/sender.js';
import { definePushApp } from '../../../sdk/index.js';
import { startNetwork } from '../../../sdk/network/index.js';
import { BOB, Device, startSender } from '../../support/agents/agents.js';
import { receiptOf } from '../../support/agents/receipts.js';

const TYPE = { type: 'application/octet-stream', parameters: {} };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function pair(app: PushAppDefinition): Promise<{ device: Device; sender: PushSenderAgent }> {
  const network = await startNetwork();
  closing.push(() => network.close());
  const servers = network.uris.slice(1);
  const device = await Device.start([app], { servers });
  closing.push(() => device.stop());
  const sender = await startSender({ servers });
  closing.push(() => sender.stop());
  return { device, sender };
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7) % 251);
}

describe('a file', () => {
  it('8.2.2-01: reaches its application unchanged', async () => {
    const received: Uint8Array[] = [];
    const app = definePushApp({
      id: 'test.ua',
      accepts: [TYPE.type],
      start: () => ({
        async receive({ content }) {
          received.push(await content.bytes(10_000_000));
        },
      }),
    });
    const { device, sender } = await pair(app);
    const content = memoryContent(TYPE, bytes(1_000_000));
    const receipt = await receiptOf(sender.send({ to: BOB, app: 'test.ua', content, mode: 'session' }));
    expect(receipt).toMatchObject({ outcome: 'delivered', status: 200, mode: 'session', reported: true });
    expect(received.map((content) => Buffer.from(content).equals(bytes(1_000_000)))).toEqual([true]);
    expect(await device.event('push')).toMatchObject({
      mode: 'session',
      size: 1_000_000,
      sha256: platform.hash('sha-256', bytes(1_000_000)),
      outcome: 'accepted',
    });
  });
});
