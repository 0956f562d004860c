/** Content by reference through Kamailio: the MESSAGE goes through the core, and the device fetches the content from the sender. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePushApp } from 'sip-push/sdk';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../core/content/content.js';
import { BOB, Device, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { Capture } from '../support/captures/tshark.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';

const TYPE = { type: 'application/octet-stream', parameters: {} };
const CONTENT = randomBytes(5 * 1024 * 1024);
/** A URL, a hash, two dates and three headers have fewer bytes. */
const MAX_REFERENCE = 400;

describePeer(['kamailio', 'tshark'], 'content by reference through Kamailio', () => {
  let core: Kamailio;
  let capture: Capture;
  let folder: string;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    core = await startKamailio();
    capture = await Capture.start({ sip: [core.port] });
    folder = await mkdtemp(join(tmpdir(), 'sip-push-indirect-'));
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await core?.stop();
    await capture?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(['udp', 'tcp'] as const)(
    '8.1.1-04, 8.1.2-03, 8.1.2-03a: over %s, 5 MiB reach the application unchanged, none of it by SIP',
    async (transport) => {
      const digests: string[] = [];
      const app = definePushApp({
        id: 'test.ua',
        accepts: [TYPE.type],
        start: () => ({
          async receive({ content }) {
            const hasher = platform.hasher('sha-256');
            for await (const chunk of content.open()) hasher.update(chunk);
            digests.push(hasher.digest());
          },
        }),
      });
      const device = await Device.start([app], {
        servers: [core.server(transport)],
        credentials: { username: 'bob', password: 'bob-password' },
        data: join(folder, transport),
        fetch: { allow: ['http://127.0.0.1:*'] },
      });
      closing.push(() => device.stop());
      const sender = await startSender({
        servers: [core.server(transport)],
        credentials: { username: 'psa', password: 'psa-password' },
        publish: { host: '127.0.0.1', port: 0 },
      });
      closing.push(() => sender.stop());
      const { publicGruu = '' } = await device.event('registered');
      for (const to of [BOB, publicGruu]) {
        const content = memoryContent(TYPE, CONTENT);
        const receipt = await receiptOf(sender.send({ to, app: 'test.ua', content, mode: 'pager' }));
        expect(receipt).toMatchObject({
          mode: 'indirect',
          outcome: 'delivered',
          status: 200,
          bytes: CONTENT.length,
        });
      }
      const sha256 = platform.hash('sha-256', CONTENT);
      expect(digests).toEqual([sha256, sha256]);
      expect(device.of('push')).toMatchObject(
        Array(2).fill({ mode: 'indirect', outcome: 'accepted', size: CONTENT.length, sha256, status: 200 }),
      );
      expect(await sender.unfetched()).toBe(0);
    },
  );

  it('8.1.1-04: the sender receives 403 if the device is not allowed to fetch from the address', async () => {
    const device = await Device.start([definePushApp({ id: 'test.ua', accepts: [TYPE.type], start })], {
      servers: [core.server('tcp')],
      credentials: { username: 'bob', password: 'bob-password' },
    });
    closing.push(() => device.stop());
    const sender = await startSender({
      servers: [core.server('tcp')],
      credentials: { username: 'psa', password: 'psa-password' },
      publish: { host: '127.0.0.1', port: 0 },
    });
    closing.push(() => sender.stop());
    const content = memoryContent(TYPE, CONTENT);
    const receipt = await receiptOf(sender.send({ to: BOB, app: 'test.ua', content, mode: 'pager' }));
    expect(receipt).toMatchObject({ outcome: 'refused', status: 403, retryable: false });
    expect(device.of('refused')).toMatchObject([{ reason: expect.stringMatching(/^not-allowed: /) }]);
    function start() {
      return { receive() {} };
    }
  });

  // This is the last test: it checks the traffic of all tests.
  it('8.1.2-03: tshark finds no malformed SIP, and no content in it', async () => {
    await capture.stop();
    expect(await capture.malformed()).toEqual([]);
    const rows = await capture.fields('sip.Method == "MESSAGE" && sip.CSeq.seq == 1', ['sip.Content-Length']);
    expect(rows.length).toBeGreaterThan(0);
    for (const [, length] of rows) expect(Number(length)).toBeLessThan(MAX_REFERENCE);
  });
});
