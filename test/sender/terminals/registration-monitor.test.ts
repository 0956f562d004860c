/** Registrations over the embedded network: third-party REGISTER and reg events (flows B.1.1, B.1.2, B.1.3; E-01). */

import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../../core/content/content.js';
import type { PushSenderAgent, PushSenderOptions } from '../../../core/sender/sender.js';
import { Records } from '../../../core/store/records.js';
import { systemClock } from '../../../core/time/clock.js';
import { definePushApp } from '../../../sdk/index.js';
import { startNetwork } from '../../../sdk/network/index.js';
import { BOB, Device, PSA, startSender } from '../../support/agents/agents.js';
import { freePort } from '../../support/programs/ports.js';
import { until } from '../../support/wait.js';

const TYPE = 'text/plain';
const content = memoryContent({ type: TYPE, parameters: {} }, Buffer.from('hello'));
const app = (id: string) =>
  definePushApp({
    id,
    accepts: [TYPE],
    order: 'parallel',
    delivery: 'direct',
    start: () => ({ receive() {} }),
  });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Scene {
  /** Another sender at the same address. */
  sender(options?: Partial<PushSenderOptions>): Promise<PushSenderAgent>;
  device(ids: readonly string[], instanceId?: string): Promise<Device>;
}

/** @param ims the core registers its users with the sender */
async function scene(ims: boolean): Promise<Scene> {
  const listen = `sip:127.0.0.1:${await freePort()};transport=udp`;
  const network = await startNetwork({
    applicationServers: { [PSA]: listen },
    thirdPartyRegistration: ims ? [PSA] : undefined,
  });
  closing.push(() => network.close());
  const [server = ''] = network.uris;
  return {
    async sender(options = {}) {
      const sender = await startSender({ servers: [server], listen, ...options });
      closing.push(() => sender.stop());
      return sender;
    },
    async device(ids, instanceId) {
      const device = await Device.start(ids.map(app), {
        servers: network.uris.slice(1),
        instanceId,
      });
      closing.push(() => device.stop());
      return device;
    },
  };
}

const registered = (sender: PushSenderAgent) =>
  sender.directory.of(BOB).filter((terminal) => terminal.registered);
const known = (sender: PushSenderAgent, apps: string[][]) =>
  until(() => expect(registered(sender).map((terminal) => terminal.apps)).toEqual(apps));
const gruuOf = async (device: Device) => (await device.event('registered')).publicGruu;

describe('E-01, E.1.2-01, B.1.1, B.1.2: in IMS, after a third-party REGISTER', () => {
  it('AD-5.3.1-1: the directory follows registrations, with GRUU and applications', async () => {
    const { sender: start, device: open } = await scene(true);
    const sender = await start();
    const phone = await open(['mms.ua']);
    await known(sender, [['mms.ua']]);
    const tablet = await open(['mms.ua', 'wml.ua']);
    await known(sender, [['mms.ua'], ['mms.ua', 'wml.ua']]);
    expect(registered(sender).map(({ gruu }) => gruu)).toEqual([await gruuOf(phone), await gruuOf(tablet)]);
    await phone.stop();
    await known(sender, [['mms.ua', 'wml.ua']]);
    await tablet.stop();
    await known(sender, []);
  });

  it('AD-5.3.1-7, 9-04: a push goes to each registered terminal with the application', async () => {
    const { sender: start, device: open } = await scene(true);
    const sender = await start();
    const [phone, tablet] = [await open(['mms.ua']), await open(['mms.ua', 'wml.ua'])];
    await known(sender, [['mms.ua'], ['mms.ua', 'wml.ua']]);
    const push = { to: BOB, app: 'mms.ua', content };
    const terminal = [await gruuOf(phone), await gruuOf(tablet)];
    expect(await sender.send(push)).toMatchObject(
      terminal.map((gruu) => ({ to: BOB, terminal: gruu, outcome: 'delivered', mode: 'pager' })),
    );
    expect(await sender.send({ ...push, app: 'wml.ua' })).toMatchObject([{ terminal: terminal[1] }]);
    await phone.stop();
    await known(sender, [['mms.ua', 'wml.ua']]);
    const receipts = await sender.send(push);
    expect(receipts).toMatchObject([
      { terminal: terminal[1], outcome: 'delivered' },
      { terminal: terminal[0], outcome: 'failed', retryable: true, reason: 'the terminal is not registered' },
    ]);
    expect(phone.of('push')).toHaveLength(1);
    expect(tablet.of('push')).toHaveLength(3);
  });

  it('9-04: a waiting push is sent when its terminal registers', async () => {
    const { sender: start, device: open } = await scene(true);
    const sender = await start();
    const instance = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
    await (await open(['mms.ua'], instance)).stop();
    await until(() => expect(sender.directory.of(BOB)).toMatchObject([{ registered: false }]));
    const receipts = sender.send({ to: BOB, app: 'mms.ua', content, ttl: 60 });
    const other = await open(['mms.ua']);
    await known(sender, [['mms.ua']]);
    const back = await open(['mms.ua'], instance);
    expect(await receipts).toMatchObject([{ outcome: 'delivered', terminal: await gruuOf(back) }]);
    expect(back.of('push')).toHaveLength(1);
    expect(other.of('push')).toEqual([]);
  });

  it('AD-5.3.1-2: a restarted sender has its directory and continues to monitor', async () => {
    const { sender: start, device: open } = await scene(true);
    const store = await platform.openStore();
    const records = () => new Records(store, systemClock, () => {});
    const first = await start({ records: records() });
    const phone = await open(['mms.ua']);
    await known(first, [['mms.ua']]);
    await first.stop();
    const second = await start({ records: records() });
    expect(registered(second).map(({ gruu }) => gruu)).toEqual([await gruuOf(phone)]);
    await open(['wml.ua']);
    await known(second, [['mms.ua'], ['wml.ua']]);
  });
});

it('B.1.3: outside IMS, monitors configured users before they register', async () => {
  const { sender: start, device: open } = await scene(false);
  const sender = await start({ watch: [BOB] });
  expect(registered(sender)).toEqual([]);
  await open(['mms.ua']);
  await known(sender, [['mms.ua']]);
});
