/** A device in a page behind an MSRP relay (RFC 4976), which senders with TCP can reach. */

import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../core/content/content.js';
import type { Listener } from '../../core/platform/sockets.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, PSA, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { servePage } from '../support/pages/browser-page.js';
import { Chromium } from '../support/pages/chromium.js';
import { type KamailioRelay, startKamailioRelay } from '../support/programs/kamailio-relay.js';
import { describePeer } from '../support/programs/peers.js';

const LOOPBACK = '127.0.0.1';
const FILE = { type: 'application/octet-stream', parameters: {} };

/** A gateway from WebSocket to TCP, as operators use for servers without WebSocket. */
async function gateway(port: number): Promise<Listener> {
  return await platform.listen('ws', { host: LOOPBACK, port: 0 }, { subprotocol: 'msrp' }, (channel) => {
    const socket = net.connect({ host: LOOPBACK, port });
    channel.ondata = (bytes) => socket.write(bytes);
    channel.onclose = () => socket.destroy();
    socket.on('data', (bytes) => channel.send(bytes));
    socket.on('error', () => {});
    socket.once('close', () => channel.close());
  });
}

describePeer(['chromium', 'kamailio'], "a device in a browser, behind Kamailio's MSRP relay", () => {
  let certificates: Certificates;
  let relay: KamailioRelay;
  let front: Listener;
  beforeAll(async () => {
    certificates = await makeCertificates();
    relay = await startKamailioRelay(certificates);
    front = await gateway(relay.tcpPort);
  });
  afterAll(async () => {
    await front?.close();
    await relay?.stop();
    await certificates?.remove();
  });

  it('8.2.1-11: accepts a file from a sender that it cannot connect to', async () => {
    const [bob, psa] = [
      { username: 'bob', password: 'bob-password' },
      { username: 'psa', password: 'psa-password' },
    ];
    const network = await startNetwork({
      listen: ['tcp', 'ws'].map((transport) => `sip:${LOOPBACK}:0;transport=${transport}`),
      users: { bob: { password: bob.password }, psa: { password: psa.password } },
    });
    const [tcp = '', ws = ''] = network.uris;
    const server = await servePage('test/browser/page.ts');
    const sender = await startSender({ servers: [tcp], credentials: psa, media: { host: LOOPBACK } });
    const page = await Chromium.open(server.url());
    try {
      await page.until('globalThis.device !== undefined');
      const uri = `msrp://${LOOPBACK}:${front.address.port};ws`;
      const options = {
        ...{ identity: BOB, servers: [ws], credentials: bob, trust: [PSA] },
        relay: { uri, credentials: bob },
      };
      await page.evaluate(`device.start(${JSON.stringify(options)})`);
      await page.until(`device.events.some(({ event }) => event === 'registered')`);
      const file = randomBytes(300_000);
      const content = memoryContent(FILE, file);
      expect(
        await receiptOf(sender.send({ to: BOB, app: 'file.ua', mode: 'session', report: true, content })),
      ).toMatchObject({ outcome: 'delivered', status: 200, reported: true });
      expect(await page.evaluate(`device.events.find(({ event }) => event === 'push')`)).toMatchObject({
        size: file.length,
        sha256: platform.hash('sha-256', file),
      });
      expect(page.problems).toEqual([]);
    } finally {
      await page.close();
      await sender.stop();
      await server.close();
      await network.close();
    }
  });
});
