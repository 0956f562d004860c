/** The tests of a device in a page of Chromium, with WebSocket to the core and the sender, and IndexedDB. */

import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../core/content/content.js';
import type { HostEvent, PushHostOptions } from '../../core/host.js';
import type { PushSenderAgent } from '../../core/sender/sender.js';
import { EXAMPLE_OPTIONS, examplePushes } from '../../sdk/cli/demo/examples.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, PSA, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { servePage } from '../support/pages/browser-page.js';
import { Chromium } from '../support/pages/chromium.js';
import type { TestHttpServer } from '../support/pages/http-server.js';
import { startKamailio } from '../support/programs/kamailio.js';

const FILE = { type: 'application/octet-stream', parameters: {} };
const LOOPBACK = '127.0.0.1';

interface Core {
  ws: string;
  tcp: string;
  bob: { username: string; password: string };
  psa: { username: string; password: string };
  stop(): Promise<void>;
}

export async function embedded(): Promise<Core> {
  const bob = { username: 'bob', password: 'bob-password' };
  const psa = { username: 'psa', password: 'psa-password' };
  const network = await startNetwork({
    listen: [`sip:${LOOPBACK}:0;transport=tcp`, `sip:${LOOPBACK}:0;transport=ws`],
    users: { bob: { password: bob.password }, psa: { password: psa.password } },
  });
  const [tcp = '', ws = ''] = network.uris;
  return { tcp, ws, bob, psa, stop: () => network.close() };
}

export async function kamailio(): Promise<Core> {
  const core = await startKamailio();
  const { bob, psa } = core.users;
  return {
    tcp: core.server('tcp'),
    ws: core.server('ws'),
    bob: { username: 'bob', password: bob },
    psa: { username: 'psa', password: psa },
    stop: () => core.stop(),
  };
}

/** Starts a core and a sender for a suite, and opens a page for each of its tests. */
function devices(startCore: () => Promise<Core>) {
  let core: Core;
  let server: TestHttpServer;
  let page: Chromium;
  let sender: PushSenderAgent;

  beforeAll(async () => {
    server = await servePage('test/browser/page.ts');
    core = await startCore();
    sender = await startSender({
      servers: [core.tcp],
      credentials: core.psa,
      publish: { host: LOOPBACK, port: 0 },
      media: { host: LOOPBACK, transport: 'ws' },
    });
  });
  afterAll(async () => {
    await sender?.stop();
    await core?.stop();
    await server?.close();
  });
  beforeEach(async () => {
    page = await Chromium.open(server.url());
  });
  afterEach(async () => {
    expect(page.problems).toEqual([]);
    await page.close();
  });

  const eventsOf = <Name extends HostEvent['event']>(name: Name) =>
    page.evaluate<Extract<HostEvent, { event: Name }>[]>(
      `device.events.filter(({ event }) => event === ${JSON.stringify(name)})`,
    );
  const start = async (options: Partial<PushHostOptions> = {}) => {
    await page.until('globalThis.device !== undefined');
    const host = {
      identity: BOB,
      servers: [core.ws],
      credentials: core.bob,
      trust: [PSA],
      expires: 600,
      fetch: { allow: [`http://${LOOPBACK}:*`] },
      ...options,
    };
    const apps = Object.fromEntries(EXAMPLE_OPTIONS);
    await page.evaluate(`device.start(${JSON.stringify(host)}, ${JSON.stringify(apps)})`);
    await page.until(`device.events.some(({ event }) => event === 'registered')`);
  };
  const note = (text: string) =>
    receiptOf(
      sender.send({
        to: BOB,
        app: 'slow.ua',
        mode: 'pager',
        content: memoryContent({ type: 'text/plain', parameters: {} }, new TextEncoder().encode(text)),
      }),
    );
  return {
    get core() {
      return core;
    },
    get page() {
      return page;
    },
    get sender() {
      return sender;
    },
    eventsOf,
    start,
    note,
  };
}

/** A device accepts pushes. */
export function acceptingPushes(startCore: () => Promise<Core>) {
  const device = devices(startCore);

  it('registers, and accepts pushes for each application in each mode', async () => {
    await device.start();
    const [registered] = await device.eventsOf('registered');
    expect(registered?.apps).toEqual(['dcd.ua', 'file.ua', 'mms.ua', 'slow.ua', 'syncml.dm', 'wml.ua']);
    const pushes = examplePushes(BOB, 1);
    for (const push of pushes) {
      const receipt = await receiptOf(device.sender.send(push));
      expect(receipt, push.app).toMatchObject({ outcome: 'delivered', status: 200 });
    }
    const pushEvents = await device.eventsOf('push');
    expect(pushEvents.map(({ app, mode, outcome }) => `${app} ${mode} ${outcome}`)).toEqual(
      pushes.map(({ app, mode }) => `${app} ${mode} accepted`),
    );
    const appEvents = (await device.eventsOf('app')).map(({ app, kind }) => `${app} ${kind}`);
    expect(new Set(appEvents)).toEqual(
      new Set([
        'mms.ua notification',
        'wml.ua service-indication',
        'wml.ua service-loading',
        'wml.ua cache-operation',
        'syncml.dm alert',
        'dcd.ua content',
      ]),
    );
    await device.page.evaluate('device.stop()');
    expect(await device.eventsOf('stopped')).toHaveLength(1);
  });

  it('fails at once for a server with TCP', async () => {
    await device.page.until('globalThis.device !== undefined');
    const host = { identity: BOB, servers: [device.core.tcp] };
    expect(await device.page.evaluate(`device.start(${JSON.stringify(host)}).catch(String)`)).toBe(
      `ConfigurationError: invalid server "${device.core.tcp}": expected transport=ws or wss on this platform`,
    );
  });

  it('refuses a session over TCP, and names the alternatives', async () => {
    await device.start();
    const other = await startSender({
      servers: [device.core.tcp],
      credentials: device.core.psa,
      media: { host: LOOPBACK },
    });
    try {
      const content = memoryContent(FILE, new TextEncoder().encode('content'));
      const receipt = await receiptOf(other.send({ to: BOB, app: 'file.ua', mode: 'session', content }));
      expect(receipt).toMatchObject({ outcome: 'refused', status: 488 });
      const [refused] = await device.eventsOf('refused');
      expect(refused?.reason).toBe('this platform cannot connect over tcp: use ws or wss, or an MSRP relay');
    } finally {
      await other.stop();
    }
  });
}

/** A device keeps in IndexedDB what it confirmed. */
export function keepingPushes(startCore: () => Promise<Core>) {
  const device = devices(startCore);

  it('redelivers unaccepted pushes after the page was reloaded', async () => {
    await device.start({ data: 'device' });
    const [before] = await device.eventsOf('registered');
    expect(await device.note('first')).toMatchObject({ outcome: 'delivered', status: 200 });
    await device.page.evaluate('device.slow.accepting = false');
    // The push is on disk, so that the sender does not wait for the application.
    const second = device.note('not yet');
    await device.page.until('device.slow.delivered.length === 2');
    expect(await second).toMatchObject({ outcome: 'delivered', status: 200 });
    const [, id] = await device.page.evaluate<string[]>('device.slow.delivered');
    await device.page.reload();
    await device.page.until('globalThis.device?.events.length === 0');
    await device.start({ data: 'device' });
    await device.page.until('device.slow.stored.length === 2');
    expect(await device.page.evaluate('device.slow')).toEqual({
      delivered: [id],
      stored: ['first', 'not yet'],
      accepting: true,
    });
    // The instance id is unchanged.
    const [after] = await device.eventsOf('registered');
    expect(after?.publicGruu).toBe(before?.publicGruu);
    expect(await device.note('third')).toMatchObject({ outcome: 'delivered', status: 200 });
  });

  it('loses nothing that it confirmed when the browser is killed', async () => {
    await device.start({ data: 'device' });
    await device.page.evaluate('device.slow.accepting = false');
    const texts = Array.from({ length: 10 }, (_, index) => `note ${index}`);
    const receipts = await Promise.all(texts.map(device.note));
    await device.page.killAndReopen();
    expect(receipts.map(({ status }) => status)).toEqual(texts.map(() => 200));
    await device.start({ data: 'device' });
    await device.page.until(`device.slow.stored.length === ${texts.length}`);
    expect(new Set(await device.page.evaluate<string[]>('device.slow.stored'))).toEqual(new Set(texts));
  });

  it('accepts a large file in a session, through its storage', async () => {
    await device.start({ data: 'device' });
    const file = randomBytes(8 * 1024 * 1024);
    const receipt = await receiptOf(
      device.sender.send({
        to: BOB,
        app: 'file.ua',
        mode: 'session',
        report: true,
        content: memoryContent(FILE, file),
      }),
    );
    expect(receipt).toMatchObject({ outcome: 'delivered', status: 200, reported: true });
    const [push] = await device.eventsOf('push');
    expect(push).toMatchObject({ size: file.length, sha256: platform.hash('sha-256', file) });
    expect(await device.page.evaluate('device.files.bytes')).toBe(file.length);
  });
}
