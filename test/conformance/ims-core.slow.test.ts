/** An IMS core of Kamailio: registration by AKA, third-party REGISTER, reg events, and pushes through all three CSCFs. */

import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { defined } from '../../core/defined.js';
import type { PushSenderAgent, PushSenderOptions } from '../../core/sender/sender.js';
import { akaCredentials } from '../../core/sip/authentication/aka-answers.js';
import { SoftwareUicc } from '../../core/sip/authentication/software-uicc.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { definePushApp } from '../../sdk/index.js';
import { Device, startSender } from '../support/agents/agents.js';
import { ImsCore } from '../support/ims/ims-core.js';
import { describePeer } from '../support/programs/peers.js';
import { eventually, until } from '../support/wait.js';

const TYPE = 'text/plain';
const BOB = 'sip:bob@ims.test';
/** Seconds. The S-CSCF grants nine tenths of them. */
const EXPIRES = 20;

const app = definePushApp({
  id: 'mms.ua',
  accepts: [TYPE],
  order: 'parallel',
  delivery: 'direct',
  start: () => ({ receive() {} }),
});

const push = (mode: 'pager' | 'session', to = BOB) => ({
  to,
  mode,
  app: 'mms.ua',
  content: memoryContent({ type: TYPE, parameters: {} }, Buffer.from(mode)),
});

describePeer('kamailio-ims', 'an IMS core of Kamailio', () => {
  let core: ImsCore;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    core = await ImsCore.start();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => core?.stop());

  async function psa(options: Partial<PushSenderOptions> = {}, ims = core): Promise<PushSenderAgent> {
    const sender = await startSender({
      identity: ims.psa,
      servers: [ims.icscf('udp')],
      listen: ims.applicationServer,
      ...options,
    });
    closing.push(() => sender.stop());
    return sender;
  }

  function credentials(name: 'bob' | 'alice', sqn = 0, ims = core) {
    const { username, k, opc } = ims.account(name);
    const octets = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
    const uicc = new SoftwareUicc({ k: octets(k), operator: { opc: octets(opc) }, sqn });
    return akaCredentials(username, uicc);
  }

  type BobOptions = { transport?: 'udp' | 'tcp'; sqn?: number; ims?: ImsCore; onWire?: WireObserver };

  async function bob({ transport = 'tcp', sqn, ims = core, onWire }: BobOptions = {}): Promise<Device> {
    const device = await Device.start([app], {
      identity: BOB,
      servers: [ims.pcscf(transport)],
      credentials: credentials('bob', sqn, ims),
      trust: [ims.psa],
      expires: EXPIRES,
      ...defined({ onWire }),
    });
    closing.push(() => device.stop());
    return device;
  }

  const registered = (sender: PushSenderAgent) =>
    sender.directory.of(BOB).filter((terminal) => terminal.registered);
  const isKnown = (sender: PushSenderAgent) => until(() => expect(registered(sender)).toHaveLength(1));
  const isGone = (sender: PushSenderAgent) =>
    until(() => {
      expect(sender.directory.of(BOB)).not.toEqual([]);
      expect(registered(sender)).toEqual([]);
    });

  async function expectPushes(sender: PushSenderAgent, to = BOB) {
    for (const mode of ['pager', 'session'] as const) {
      expect(await sender.send(push(mode, to))).toMatchObject([{ mode, outcome: 'delivered' }]);
    }
  }

  const registrations = (device: Device) => device.of('registered').length;
  const registersAgain = (device: Device, since = registrations(device)) =>
    eventually('another registration', () => registrations(device) > since || undefined);

  it.each(['tcp', 'udp'] as const)(
    'B.1.1, B.1.2, E-01, E.1-00, E.1.3-01: a terminal registers over %s, and pushes reach it until it de-registers',
    async (transport) => {
      const sender = await psa();
      const device = await bob({ transport });
      await isKnown(sender);
      await expectPushes(sender);
      await registersAgain(device);
      await expectPushes(sender);
      await device.stop();
      await isGone(sender);
    },
  );

  it('E.1.2-01: after a network-initiated de-registration, pushes wait until the terminal registers again', async () => {
    const sender = await psa();
    const device = await bob();
    await isKnown(sender);
    // The terminal registers again at once, and is refused.
    core.subscribers.bob.wrongResult = true;
    core.hss.deregister(BOB);
    await isGone(sender);
    const waiting = sender.send({ ...push('pager'), ttl: 90 });
    core.subscribers.bob.wrongResult = false;
    await registersAgain(device);
    expect(await waiting).toMatchObject([{ outcome: 'delivered' }]);
    await expectPushes(sender);
  });

  it('E.1.1-REG: a terminal learns from the events of its own registration that the core ended it, and registers again', async () => {
    let wire = '';
    const device = await bob({
      onWire: (direction, bytes) => {
        wire += `${direction} ${Buffer.from(bytes).toString('latin1')}\n`;
      },
    });
    await until(() => expect(wire).toMatch(/^in NOTIFY .*<contact [^>]*state="active"/ms));
    core.hss.deregister(BOB);
    await until(() =>
      expect(device.of('registration-failed')).toMatchObject([
        { reason: expect.stringContaining('the core ended the registration') },
      ]),
    );
    await registersAgain(device);
  });

  it('E.1.2-01: after a restart of the S-CSCF, the sender subscribes again when the terminal registers', async () => {
    const sender = await psa();
    const device = await bob();
    await isKnown(sender);
    await core.restartScscf();
    // Only a subscription that the restarted S-CSCF knows can tell.
    await registersAgain(device);
    await isKnown(sender);
    await expectPushes(sender);
    await device.stop();
    await isGone(sender);
  });

  it('a RES that the S-CSCF refuses: 403, and the terminal registers when it is accepted', async () => {
    const { bob: subscriber } = core.subscribers;
    const { sqn } = subscriber;
    subscriber.wrongResult = true;
    const device = bob();
    await until(() => expect(subscriber.sqn).toBeGreaterThan(sqn));
    subscriber.wrongResult = false;
    expect((await device).of('registration-failed')).toMatchObject([{ status: 403 }]);
  });

  it('an invalid AUTN is answered without RES, and the terminal registers when it is valid', async () => {
    const { bob: subscriber } = core.subscribers;
    const { sqn } = subscriber;
    subscriber.wrongKey = true;
    const device = bob();
    // The UICC reports two invalid challenges, and gives up at the third.
    await until(() => expect(subscriber.sqn).toBeGreaterThanOrEqual(sqn + 3 * 32));
    subscriber.wrongKey = false;
    expect((await device).of('registration-failed')).not.toEqual([]);
  });

  it('TS 33.102 6.3.5: a UICC whose SQN is ahead resynchronises', async () => {
    const { hss } = core;
    const before = hss.resynchronisations;
    await bob({ sqn: 5_000_000 });
    expect(hss.resynchronisations).toBe(before + 1);
  });

  it('a sender that registers sends its first push after its REGISTER is answered', async () => {
    await bob();
    const onRegistered = vi.fn();
    const sender = await startSender({
      identity: 'sip:alice@ims.test',
      servers: [core.pcscf('tcp')],
      credentials: credentials('alice'),
      instanceId: 'urn:uuid:00000000-0000-4000-8000-00000000a11c',
      assertIdentity: false,
      onRegistered,
    });
    closing.push(() => sender.stop());
    // The terminal trusts the other sender only.
    expect(await sender.send(push('pager'))).toMatchObject([{ outcome: 'refused', status: 403 }]);
    expect(onRegistered).toHaveBeenCalled();
  });

  it('E.1.1-AS: requests within dialogs follow their Route, where the I-CSCF refuses them', async () => {
    const ims = await ImsCore.start({ strict: true });
    closing.push(() => ims.stop());
    const refused: string[] = [];
    const onWire: PushSenderOptions['onWire'] = (direction, bytes) => {
      const line = Buffer.from(bytes).toString('latin1', 0, 12);
      if (direction === 'in' && line === 'SIP/2.0 406 ') refused.push(line);
    };
    const sender = await psa({ onWire }, ims);
    const device = await bob({ ims });
    await isKnown(sender);
    await expectPushes(sender);
    expect(refused).toEqual([]);
    await device.stop();
    await isGone(sender);
  });
});
