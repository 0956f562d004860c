/** Pager mode through Kamailio: a device with the bundled mms.ua, a Push Sender Agent, and tshark. */

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { memoryContent } from '../../core/content/content.js';
import { encodeNotification } from '../../core/content/mms/notification.js';
import mms from '../../plugins/mms.ua/index.js';
import { BOB, Device, PSA, startSender } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { receiptOf } from '../support/agents/receipts.js';
import { Capture } from '../support/captures/tshark.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { runSipp } from '../support/programs/sipp.js';
import { scale } from '../support/scale.js';

const TYPE = { type: 'application/vnd.wap.mms-message', parameters: {} };
/** The product of SIPp. */
const CALLS = scale(200, 10_000);
const OCTETS = Uint8Array.from({ length: 256 }, (_, octet) => octet);

let serial = 0;
const notification = () =>
  encodeNotification({
    transactionId: `T${++serial}`,
    version: '1.2',
    messageClass: 'personal',
    messageSize: 1024,
    expiry: { seconds: 86_400 },
    contentLocation: `http://mmsc.test/${serial}`,
  });

describePeer(['kamailio', 'tshark', 'sipp'], 'pager mode through Kamailio', () => {
  let core: Kamailio;
  let capture: Capture;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    core = await startKamailio();
    capture = await Capture.start({ sip: [core.port, core.trustedPort] });
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await core?.stop();
    await capture?.remove();
  });

  const bob = { username: 'bob', password: 'bob-password' };
  const psa = { username: 'psa', password: 'psa-password' };

  async function device(transport: 'udp' | 'tcp', apps: readonly PushAppDefinition[] = [mms]) {
    const started = await Device.start(apps, { servers: [core.server(transport)], credentials: bob });
    closing.push(() => started.stop());
    return started;
  }

  it.each([
    ['udp', 'udp'],
    ['tcp', 'tcp'],
    ['udp', 'tcp'],
    ['tcp', 'udp'],
  ] as const)(
    '8.1.1-03, 8.1.1-05, 8.1.2-02, 8.1.2-06: sender over %s, device over %s: by identity, public and temporary GRUU',
    async (from, to) => {
      const { app, counts } = countingApp('test.ua', ['application/octet-stream']);
      const receiver = await device(to, [mms, app]);
      const { publicGruu = '', temporaryGruu = '' } = await receiver.event('registered');
      expect(publicGruu).toMatch(/;gr=urn:uuid:/);
      expect(temporaryGruu).toMatch(/;gr/);
      const sender = await startSender({ servers: [core.server(from)], credentials: psa });
      closing.push(() => sender.stop());
      for (const address of [BOB, publicGruu, temporaryGruu]) {
        const receipt = await receiptOf(
          sender.send({
            to: address,
            app: 'mms.ua',
            content: memoryContent(TYPE, notification()),
          }),
        );
        expect(receipt, address).toMatchObject({ outcome: 'delivered', status: 200, retryable: false });
      }
      expect(receiver.of('app').map(({ kind }) => kind)).toEqual(Array(3).fill('notification'));
      // Every octet, to an application that accepts any bytes.
      const content = memoryContent({ type: 'application/octet-stream', parameters: {} }, OCTETS);
      await expect(
        receiptOf(sender.send({ to: publicGruu, app: 'test.ua', content })),
      ).resolves.toMatchObject({
        status: 200,
      });
      expect([...counts.keys()]).toEqual([Buffer.from(OCTETS).toString('base64url')]);
    },
  );

  it('9-02, 8.1.2-04, AD-5.3.4: an application server that does not register asserts its own identity', async () => {
    const receiver = await device('tcp');
    const sender = await startSender({
      servers: [core.trustedServer('udp')],
      listen: 'sip:127.0.0.1:0;transport=udp',
    });
    closing.push(() => sender.stop());
    const receipt = await receiptOf(
      sender.send({
        to: BOB,
        app: 'mms.ua',
        content: memoryContent(TYPE, notification()),
      }),
    );
    expect(receipt).toMatchObject({ outcome: 'delivered' });
    expect(receiver.of('push')).toMatchObject([{ from: PSA, outcome: 'accepted', mode: 'pager' }]);
  });

  it('9.1-01, 8.1.1-02: the core removes the asserted identity of an unknown sender, and the device rejects the request', async () => {
    const receiver = await device('udp');
    const sender = await startSender({
      servers: [core.server('udp')],
      identity: 'sip:alice@domain.test',
      credentials: { username: 'alice', password: 'alice-password' },
    });
    closing.push(() => sender.stop());
    const receipt = await receiptOf(
      sender.send({
        to: BOB,
        app: 'mms.ua',
        content: memoryContent(TYPE, notification()),
      }),
    );
    expect(receipt).toMatchObject({ outcome: 'refused', status: 403, retryable: false });
    expect(receiver.of('push')).toEqual([]);
  });

  it('many MESSAGEs of SIPp: none is lost, and each gets the expected response', async () => {
    const { app, counts } = countingApp();
    await device('tcp', [app]);
    const result = await runSipp({
      scenario: 'uac-message.xml',
      port: core.trustedPort,
      transport: 'udp',
      user: 'bob',
      keys: { domain: core.domain, asserted: PSA },
      calls: CALLS,
      rate: 300,
    });
    expect(result, result.errors).toMatchObject({ succeeded: CALLS, failed: 0, unexpected: 0 });
    expect(counts.size).toBe(CALLS);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  });

  // This is the last test: it checks the traffic of all tests.
  it('tshark finds no malformed SIP', async () => {
    await capture.stop();
    const [requests] = await capture.fields('sip.Method == "MESSAGE"', []).then((rows) => [rows.length]);
    expect(requests).toBeGreaterThan(CALLS);
    expect(await capture.malformed()).toEqual([]);
  });
});
