/**
 * Two terminals of one user. Kamailio knows their addresses (pua_reginfo, presence_reginfo), and they report their GRUU
 * and applications to the sender by OPTIONS: flows B.1.3 and B.2 together.
 */

import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../core/content/content.js';
import type { Receipt } from '../../core/sender/push-request.js';
import type { PushSenderAgent, PushSenderOptions } from '../../core/sender/sender.js';
import { Records } from '../../core/store/records.js';
import { systemClock } from '../../core/time/clock.js';
import { definePushApp } from '../../sdk/index.js';
import { BOB, Device, PSA, startSender } from '../support/agents/agents.js';
import { Capture } from '../support/captures/tshark.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { RawSipPeer } from '../support/sip/raw-sip.js';
import { until } from '../support/wait.js';

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

const gruuOf = (instance: string) => `${BOB};gr=${instance}`;
const PHONE = 'urn:uuid:00000000-0000-4000-8000-000000000001';
const TABLET = 'urn:uuid:00000000-0000-4000-8000-000000000002';
const SENDER = 'urn:uuid:00000000-0000-4000-8000-000000000003';
const APPLICATIONS = { [PHONE]: ['mms.ua'], [TABLET]: ['mms.ua', 'wml.ua'] } as const;

type Instance = keyof typeof APPLICATIONS;

describePeer(['kamailio', 'kamailio-presence', 'tshark'], 'reg events of Kamailio', () => {
  let core: Kamailio;
  let capture: Capture;
  const closing: (() => Promise<unknown>)[] = [];
  /** Request-URIs of the MESSAGEs that the sender sent. */
  const sent: string[] = [];

  beforeAll(async () => {
    core = await startKamailio({ regEvents: true });
    capture = await Capture.start({ sip: [core.port, core.trustedPort] });
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    sent.length = 0;
  });
  afterAll(async () => {
    await core?.stop();
    await capture?.remove();
  });

  /** Starts a sender, and waits until it is registered, so that requests reach it. */
  async function startPsa(options: Partial<PushSenderOptions> = {}): Promise<PushSenderAgent> {
    const registered = vi.fn();
    const sender = await startSender({
      servers: [core.server('tcp')],
      credentials: { username: 'psa', password: core.users.psa },
      instanceId: SENDER,
      watch: [BOB],
      onRegistered: registered,
      onWire: (direction, bytes) => {
        const [method, uri = ''] = Buffer.from(bytes).toString('latin1', 0, 200).split(' ', 2);
        if (direction === 'out' && method === 'MESSAGE' && !sent.includes(uri)) sent.push(uri);
      },
      ...options,
    });
    closing.push(() => sender.stop());
    await until(() => expect(registered).toHaveBeenCalled());
    return sender;
  }

  async function device(instanceId: Instance, transport: 'udp' | 'tcp' = 'tcp'): Promise<Device> {
    const started = await Device.start(APPLICATIONS[instanceId].map(app), {
      servers: [core.server(transport)],
      credentials: { username: 'bob', password: core.users.bob },
      instanceId,
      senders: [PSA],
    });
    closing.push(() => started.stop());
    return started;
  }

  const both = async () => ({ phone: await device(PHONE, 'udp'), tablet: await device(TABLET) });

  /** Registered and unregistered instances, and the number of contacts of the registrar if `contacts` is set. */
  function expectTerminals(
    sender: PushSenderAgent,
    {
      registered,
      unregistered,
      contacts = registered.length,
    }: { registered: Instance[]; unregistered: Instance[]; contacts?: number },
  ) {
    return until(() => {
      const terminals = sender.directory.of(BOB);
      const named = terminals.filter(({ gruu }) => gruu !== undefined);
      const instances = (registered: boolean) =>
        named.filter((terminal) => terminal.registered === registered).map(({ id }) => id);
      const nameless = terminals.filter((terminal) => terminal.registered && terminal.gruu === undefined);
      expect({
        registered: instances(true).sort(),
        unregistered: instances(false).sort(),
        contacts: nameless.length,
      }).toEqual({ registered, unregistered, contacts });
      for (const { id, gruu, apps } of named) {
        expect({ gruu, apps }).toEqual({ gruu: gruuOf(id), apps: APPLICATIONS[id as Instance] });
      }
    });
  }

  /** A sender that starts after both terminals sent it OPTIONS without success. */
  async function startBesideTerminals(): Promise<PushSenderAgent> {
    while (closing.length > 0) await closing.pop()?.();
    const { phone, tablet } = await both();
    for (const each of [phone, tablet]) {
      expect(await each.event('negotiation-failed')).toMatchObject({ sender: PSA, status: 480 });
    }
    sent.length = 0;
    const sender = await startPsa();
    await until(() =>
      expect(sender.directory.of(BOB).filter(({ registered }) => registered)).toHaveLength(2),
    );
    return sender;
  }

  const hasNoGruu = (sender: PushSenderAgent) =>
    sender.directory.of(BOB).every(({ gruu }) => gruu === undefined);

  /** Receipts are in the order of the last reports of the terminals. */
  const inOrder = (receipts: Receipt[]) =>
    receipts.toSorted((one, other) => (one.terminal ?? '').localeCompare(other.terminal ?? ''));

  const push = { to: BOB, app: 'mms.ua', content };
  const delivered = (instance: Instance) => ({
    to: BOB,
    terminal: gruuOf(instance),
    outcome: 'delivered',
    status: 200,
  });
  const unregisteredReceipt = (instance: Instance) => ({
    to: BOB,
    terminal: gruuOf(instance),
    outcome: 'failed',
    reason: 'the terminal is not registered',
  });

  it('5.2-03, AD-5.3.1-7: each terminal is known by its GRUU and applications; a push reaches each alone, and both', async () => {
    const sender = await startPsa();
    expect(sender.directory.of(BOB)).toEqual([]);
    const { phone, tablet } = await both();
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });

    // By the GRUU, by the instance, and by an application that only one terminal has.
    expect(await sender.send({ ...push, to: gruuOf(PHONE) })).toMatchObject([
      { terminal: gruuOf(PHONE), outcome: 'delivered' },
    ]);
    expect(await sender.send({ ...push, terminals: { instances: [PHONE] } })).toMatchObject([
      delivered(PHONE),
    ]);
    expect(await sender.send({ ...push, terminals: { instances: [TABLET] } })).toMatchObject([
      delivered(TABLET),
    ]);
    expect(await sender.send({ ...push, app: 'wml.ua' })).toMatchObject([delivered(TABLET)]);
    expect(phone.of('push').map((event) => event.app)).toEqual(['mms.ua', 'mms.ua']);
    expect(tablet.of('push').map((event) => event.app)).toEqual(['mms.ua', 'wml.ua']);

    expect(inOrder(await sender.send(push))).toMatchObject([delivered(PHONE), delivered(TABLET)]);
    expect([phone.of('push').length, tablet.of('push').length]).toEqual([3, 3]);
    // No request went to the identity, which the core would fork.
    expect(sent.sort()).toEqual([gruuOf(PHONE), gruuOf(TABLET)]);
  });

  it.each([
    ['phone', TABLET, PHONE],
    ['tablet', PHONE, TABLET],
  ] as const)(
    '9-04: when the %s de-registers, nothing is sent to it, and its receipt has the reason',
    async (leaving, remaining, leaves) => {
      const sender = await startPsa();
      const devices = await both();
      await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
      await devices[leaving].stop();
      await expectTerminals(sender, { registered: [remaining], unregistered: [leaves] });
      expect(await sender.send(push)).toMatchObject([delivered(remaining), unregisteredReceipt(leaves)]);
      expect(sent).toEqual([gruuOf(remaining)]);
    },
  );

  it('9-04: when both terminals de-register, both are unregistered', async () => {
    const sender = await startPsa();
    const { phone, tablet } = await both();
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
    await Promise.all([phone.stop(), tablet.stop()]);
    await expectTerminals(sender, { registered: [], unregistered: [PHONE, TABLET] });
    expect(inOrder(await sender.send(push))).toMatchObject([
      unregisteredReceipt(PHONE),
      unregisteredReceipt(TABLET),
    ]);
    expect(sent).toEqual([]);
  });

  it('9-04: a waiting push is sent when its terminal registers with another address', async () => {
    const sender = await startPsa();
    const { phone } = await both();
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
    await phone.stop();
    await expectTerminals(sender, { registered: [TABLET], unregistered: [PHONE] });
    const receipts = sender.send({ ...push, ttl: 60, terminals: { instances: [PHONE] } });
    const back = await device(PHONE);
    expect(await receipts).toMatchObject([delivered(PHONE)]);
    expect(back.of('push')).toHaveLength(1);
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
  });

  it('a sender that starts after the terminals sees contacts, lets the core fork, and learns the terminals when it asks again', async () => {
    let sender = await startBesideTerminals();
    // On a busy machine the terminals may ask again before the sender has started.
    while (!hasNoGruu(sender)) sender = await startBesideTerminals();
    await expectTerminals(sender, { registered: [], unregistered: [], contacts: 2 });
    const [receipt, ...others] = await sender.send(push);
    expect(receipt).toMatchObject({ to: BOB, outcome: 'delivered' });
    expect(receipt?.why).toContain('the core forks the request');
    expect(others).toEqual([]);
    expect(sent).toEqual([BOB]);
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
    expect(await sender.send(push)).toHaveLength(2);
  });

  it('a restarted sender finds out which terminals de-registered and which registered meanwhile', async () => {
    const store = await platform.openStore();
    const records = () => new Records(store, systemClock, () => {});
    const first = await startPsa({ records: records() });
    const { phone, tablet } = await both();
    await expectTerminals(first, { registered: [PHONE, TABLET], unregistered: [] });
    await tablet.stop();
    await expectTerminals(first, { registered: [PHONE], unregistered: [TABLET] });
    await first.stop();

    await phone.stop();
    const back = await device(TABLET);
    await back.event('negotiation-failed');
    const second = await startPsa({ records: records() });
    await expectTerminals(second, { registered: [TABLET], unregistered: [PHONE] });
    expect(await second.send(push)).toMatchObject([delivered(TABLET), unregisteredReceipt(PHONE)]);
  });

  it('an additional contact that does not identify itself is registered and unregistered', async () => {
    const sender = await startPsa();
    await both();
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
    const other = await RawSipPeer.open();
    const register = (expires: number) =>
      other.send(core.port, {
        method: 'REGISTER',
        uri: 'sip:domain.test',
        ...{ from: BOB, to: BOB },
        headers: [`Contact: ${other.contact('bob')};expires=${expires}`],
        credentials: { username: 'bob', password: core.users.bob },
      });
    await register(600);
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [], contacts: 3 });
    // It is reached by forking only.
    expect(await sender.send(push)).toMatchObject([{ to: BOB, outcome: 'delivered' }]);
    await register(0);
    await expectTerminals(sender, { registered: [PHONE, TABLET], unregistered: [] });
    expect(await sender.send(push)).toHaveLength(2);
    other.close();
  });

  it('only the sender and the user may subscribe', async () => {
    const onProblem = vi.fn();
    const other = await startSender({
      identity: 'sip:alice@domain.test',
      servers: [core.server('udp')],
      credentials: { username: 'alice', password: core.users.alice },
      watch: [BOB],
      onProblem,
    });
    closing.push(() => other.stop());
    await until(() => expect(onProblem).toHaveBeenCalled());
    expect(onProblem.mock.calls).toMatchObject([[{ message: expect.stringContaining('403') }]]);
  });

  // This is the last test: it checks the traffic of all tests.
  it('tshark finds no malformed SIP, and subscriptions were started and ended', async () => {
    await capture.stop();
    const answers = async (method: string) => {
      const rows = await capture.fields(`sip.CSeq.method == "${method}" && sip.Status-Code`, [
        'sip.Status-Code',
      ]);
      return new Set(rows.map(([, status]) => status));
    };
    expect(await answers('SUBSCRIBE')).toEqual(new Set(['407', '200', '403']));
    // The sender may have closed its socket before the last one.
    const notified = await answers('NOTIFY');
    expect(notified).toContain('200');
    expect(['200', '480', '481']).toEqual(expect.arrayContaining([...notified]));
    expect(await capture.malformed()).toEqual([]);
  });
});
