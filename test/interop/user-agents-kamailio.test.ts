/** SIP.js and baresip as senders and as receivers, through Kamailio (test/interop/README.md). */

import { randomBytes } from 'node:crypto';
import type { Invitation } from 'sip.js';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { memoryContent } from '../../core/content/content.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, Device, DOMAIN, startSender } from '../support/agents/agents.js';
import { bytesOf, fileOf, MediaPeer } from '../support/agents/scripted-receiver.js';
import { SipJsAgent, type SipJsOptions } from '../support/agents/sipjs.js';
import { Mailbox } from '../support/mailbox.js';
import { attribute, descriptionOf, mediaOf, sectionsOf } from '../support/msrp/push-offers.js';
import { RawListener, RawMsrp } from '../support/msrp/raw-msrp.js';
import { reported, SenderEnd } from '../support/msrp/sender-end.js';
import { Baresip } from '../support/programs/baresip.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { until } from '../support/wait.js';

const RESOURCE = 'Accept-Contact: *;+g.oma.pusheventapp="files.ua";require;explicit';
const ALICE = 'sip:alice@domain.test';
const CONTENT = bytesOf(3000);

describePeer('kamailio', 'SIP.js through Kamailio', () => {
  let core: Kamailio;
  const closing: (() => Promise<unknown> | unknown)[] = [];
  beforeAll(async () => {
    core = await startKamailio();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => core?.stop());

  async function sipJs(user: 'alice' | 'psa', options: Partial<SipJsOptions> = {}): Promise<SipJsAgent> {
    const server = `ws://127.0.0.1:${core.port}`;
    const agent = await SipJsAgent.start({ user, password: `${user}-password`, server, ...options });
    closing.push(() => agent.stop());
    return agent;
  }

  /** A device with an application that accepts every file. */
  async function device(): Promise<Buffer[]> {
    const received: Buffer[] = [];
    const app: PushAppDefinition = {
      id: 'files.ua',
      accepts: ['application/octet-stream', 'text/plain'],
      start: () => ({ receive: async (push) => void received.push(Buffer.from(await push.bytes())) }),
    };
    const credentials = { username: 'bob', password: 'bob-password' };
    const started = await Device.start([app], { servers: [core.server('tcp')], credentials });
    closing.push(() => started.stop());
    return received;
  }

  async function sender() {
    const credentials = { username: 'psa', password: 'psa-password' };
    const started = await startSender({ servers: [core.server('tcp')], credentials });
    closing.push(() => started.stop());
    return started;
  }

  async function listening(): Promise<RawListener> {
    const listener = await RawListener.open();
    closing.push(() => listener.close());
    return listener;
  }

  it('8.1.1-03, 8.1.1-05: a MESSAGE of SIP.js reaches an application', async () => {
    const received = await device();
    const peer = await sipJs('psa');
    expect(await peer.message(BOB, 'text/plain', 'hello', [RESOURCE])).toBe(200);
    await until(() => expect(received.map(String)).toEqual(['hello']));
  });

  it('8.1.2-05: a push in a MESSAGE reaches SIP.js', async () => {
    const bodies: string[] = [];
    await sipJs('alice', {
      onMessage: (message) => {
        bodies.push(message.request.body);
        void message.accept();
      },
    });
    const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello'));
    const receipts = await (await sender()).send({ to: ALICE, app: 'files.ua', mode: 'pager', content });
    expect(receipts).toMatchObject([{ outcome: 'delivered', status: 200 }]);
    expect(bodies).toEqual(['hello']);
  });

  it.each([
    ['offer', false],
    ['answer', true],
  ])(
    '8.2.1-05, 8.2.3-01: a session of SIP.js with its file in the %s reaches an application',
    async (_where, late) => {
      const received = await device();
      const listener = await listening();
      const media = mediaOf(listener.address, { content: CONTENT, name: 'a.bin' });
      const peer = await sipJs('psa', { describe: () => descriptionOf([media]) });
      const { session, answer } = await peer.invite(BOB, [RESOURCE], late);
      expect(answer.status).toBe(200);
      const end = await SenderEnd.bound(listener);
      closing.push(() => end.peer.close());
      expect(end.route.to).toBe(attribute(sectionsOf({ body: Buffer.from(answer.body) }).media[0], 'path'));
      expect(await end.send(CONTENT)).toBe(200);
      expect(await reported(end)).toMatch('000 200');
      expect(received).toEqual([Buffer.from(CONTENT)]);
      await session.bye();
    },
  );

  it.each([
    ['in its 200', false],
    ['in a reliable 183, which is acknowledged by PRACK (RFC 3262)', true],
  ])('8.2.2-08, 8.2.3-01: a file reaches SIP.js that answers %s', async (_where, reliable) => {
    const path = `msrp://127.0.0.1:9/${randomBytes(8).toString('hex')};tcp`;
    const offers = new Mailbox<string>('an offer');
    await sipJs('alice', {
      onDescription: (offer) => offers.put(offer),
      describe: () =>
        descriptionOf([
          mediaOf({ port: 9 }, { path, direction: 'recvonly', setup: 'active', messages: true }),
        ]),
      onInvite: (invitation: Invitation) => {
        const progress = reliable ? invitation.progress({ rel100: true, statusCode: 183 }) : undefined;
        void Promise.resolve(progress).then(() => invitation.accept());
      },
    });
    const receipts = (await sender()).send({
      to: ALICE,
      app: 'files.ua',
      mode: 'session',
      files: [fileOf(CONTENT)],
    });
    const [line] = sectionsOf({ body: Buffer.from(await offers.take()) }).media;
    const raw = await RawMsrp.connect(Number(line?.[0]?.split(' ')[1]));
    closing.push(() => raw.close());
    const peer = new MediaPeer(raw, attribute(line, 'path') ?? '', path);
    expect(await raw.statusOf({ ...peer.route, messageId: 'bind' })).toBe(200);
    expect((await peer.receive()).bytes.equals(CONTENT)).toBe(true);
    expect(await receipts).toMatchObject([{ outcome: 'delivered', status: 200, reported: true }]);
  });
});

describePeer(['kamailio', 'baresip'], 'baresip through Kamailio', () => {
  let core: Kamailio;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    // It supports no other algorithm.
    core = await startKamailio({ algorithm: 'MD5' });
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => core?.stop());

  it.each(['udp', 'tcp'] as const)(
    '8.1.2-05: a push in a MESSAGE reaches baresip over %s',
    async (transport) => {
      const password = 'alice-password';
      const server = core.server(transport);
      const baresip = await Baresip.start({ user: 'alice', password, domain: DOMAIN, server, contact: BOB });
      closing.push(() => baresip.stop());
      const credentials = { username: 'psa', password: 'psa-password' };
      const sender = await startSender({ servers: [core.server('udp')], credentials });
      closing.push(() => sender.stop());
      const content = memoryContent(
        { type: 'text/plain', parameters: {} },
        Buffer.from('hello from the sender'),
      );
      const receipts = await sender.send({ to: ALICE, app: 'files.ua', mode: 'pager', content });
      expect(receipts).toMatchObject([{ outcome: 'delivered', status: 200 }]);
      await baresip.line(/hello from the sender/);
    },
  );

  it('8.1.1-01: a MESSAGE of baresip has no push resource and is refused', async () => {
    const credentials = { username: 'bob', password: 'bob-password' };
    const device = await Device.start([], { servers: [core.server('udp')], credentials, trust: [ALICE] });
    closing.push(() => device.stop());
    const server = core.server('udp');
    const password = 'alice-password';
    const baresip = await Baresip.start({ user: 'alice', password, domain: DOMAIN, server, contact: BOB });
    closing.push(() => baresip.stop());
    baresip.message('hello');
    expect(await device.event('refused')).toMatchObject({ method: 'MESSAGE', status: 403, from: ALICE });
    await baresip.line(/403/);
  });
});

describePeer('baresip', 'baresip through the embedded network', () => {
  it('8.1.2-05: registers if MD5 is the only challenge, and a push in a MESSAGE reaches it', async () => {
    const network = await startNetwork({
      users: { alice: { password: 'alice-password' }, psa: { password: 'psa-password' } },
      digest: ['md5'],
    });
    const [server = ''] = network.uris;
    const password = 'alice-password';
    const baresip = await Baresip.start({ user: 'alice', password, domain: DOMAIN, server, contact: BOB });
    const credentials = { username: 'psa', password: 'psa-password' };
    const sender = await startSender({ servers: [server], credentials });
    try {
      const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello by MD5'));
      expect(await sender.send({ to: ALICE, app: 'files.ua', mode: 'pager', content })).toMatchObject([
        { outcome: 'delivered', status: 200 },
      ]);
      await baresip.line(/hello by MD5/);
    } finally {
      await sender.stop();
      await baresip.stop();
      await network.close();
    }
  });
});
