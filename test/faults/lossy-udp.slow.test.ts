/** One datagram in ten is lost, both ways, on both sides of the core: every push is delivered exactly once. */

import { afterEach, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { BOB, Device, startSender } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { receiptOf } from '../support/agents/receipts.js';
import { startLossyRelay } from '../support/lossy-relay.js';
import { startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { runSipp } from '../support/programs/sipp.js';
import { scale } from '../support/scale.js';

const LOSS = 0.1;
const TYPE = { type: 'application/vnd.wap.mms-message', parameters: {} };

describePeer(['kamailio', 'sipp'], 'with 10 % of datagrams lost both ways', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function lossyCore() {
    const core = await startKamailio();
    closing.push(() => core.stop());
    const towardsDevice = await startLossyRelay(core.port, LOSS, 7);
    const towardsSender = await startLossyRelay(core.trustedPort, LOSS, 11);
    closing.push(async () => {
      towardsDevice.close();
      towardsSender.close();
    });
    const { app, counts } = countingApp();
    const device = await Device.start([app], {
      servers: [`sip:127.0.0.1:${towardsDevice.port};transport=udp`],
      credentials: { username: 'bob', password: 'bob-password' },
    });
    closing.push(() => device.stop());
    return { core, counts, towardsDevice, towardsSender };
  }

  it('SIPp sends', async () => {
    const { core, counts, towardsDevice, towardsSender } = await lossyCore();
    const calls = scale(1000, 5000);
    const result = await runSipp({
      scenario: 'uac-message.xml',
      port: towardsSender.port,
      transport: 'udp',
      user: 'bob',
      keys: { domain: core.domain, asserted: 'sip:psa@domain.test' },
      calls,
      rate: 100,
      // A lost datagram is retransmitted after 500 ms or more, so many calls run at once.
      concurrent: 200,
    });
    expect(towardsDevice.dropped).toBeGreaterThan(calls / 10);
    expect(towardsSender.dropped).toBeGreaterThan(calls / 10);
    expect(result).toMatchObject({ succeeded: calls, failed: 0 });
    expect(counts.size).toBe(calls);
    expect(new Set(counts.values())).toEqual(new Set([1]));
  });

  it('the sender of this package sends', async () => {
    const { counts, towardsSender } = await lossyCore();
    const sender = await startSender({ servers: [`sip:127.0.0.1:${towardsSender.port};transport=udp`] });
    closing.push(() => sender.stop());
    const pushes = Array.from({ length: scale(200, 2000) }, (_, index) =>
      receiptOf(
        sender.send({ to: BOB, app: 'mms.ua', content: memoryContent(TYPE, Buffer.from(`push ${index}`)) }),
      ),
    );
    const receipts = await Promise.all(pushes);
    expect(new Set(receipts.map(({ outcome }) => outcome))).toEqual(new Set(['delivered']));
    expect(counts.size).toBe(receipts.length);
    expect(new Set(counts.values())).toEqual(new Set([1]));
  });
});
