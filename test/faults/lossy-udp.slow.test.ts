/** One datagram in ten is lost, both ways, on both sides of the core: every push is delivered exactly once. */

import { expect, it } from 'vitest';
import { Device } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { startLossyRelay } from '../support/lossy-relay.js';
import { startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { runSipp } from '../support/programs/sipp.js';
import { scale } from '../support/scale.js';

const LOSS = 0.1;

describePeer(['kamailio', 'sipp'], 'with 10 % of datagrams lost both ways', () => {
  it('SIPp sends', async ({ onTestFinished }) => {
    const core = await startKamailio();
    onTestFinished(() => core.stop());
    const towardsDevice = await startLossyRelay(core.port, LOSS, 7);
    onTestFinished(() => towardsDevice.close());
    const towardsSender = await startLossyRelay(core.trustedPort, LOSS, 11);
    onTestFinished(() => towardsSender.close());
    const { app, counts } = countingApp();
    const device = await Device.start([app], {
      servers: [`sip:127.0.0.1:${towardsDevice.port};transport=udp`],
      credentials: { username: 'bob', password: 'bob-password' },
    });
    onTestFinished(() => device.stop());
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
});
