/** linphone as a sender and as a receiver, through Kamailio (test/interop/README.md). */

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { BOB, Device, DOMAIN, startSender } from '../support/agents/agents.js';
import { bytesOf, fileOf } from '../support/agents/scripted-receiver.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { Linphone } from '../support/programs/linphone.js';
import { describePeer } from '../support/programs/peers.js';

const ALICE = 'sip:alice@domain.test';

describePeer(['kamailio', 'linphone'], 'linphone through Kamailio', () => {
  let core: Kamailio;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    core = await startKamailio();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => core?.stop());

  async function linphone(transport: 'udp' | 'tcp'): Promise<Linphone> {
    const account = { user: 'alice', password: 'alice-password', domain: DOMAIN };
    const phone = await Linphone.start({ ...account, server: core.server(transport) });
    closing.push(() => phone.stop());
    return phone;
  }

  async function sender() {
    const credentials = { username: 'psa', password: 'psa-password' };
    const started = await startSender({ servers: [core.server('tcp')], credentials });
    closing.push(() => started.stop());
    return started;
  }

  it.each(['udp', 'tcp'] as const)(
    '8.1.2-05: a push in a MESSAGE reaches linphone over %s',
    async (transport) => {
      const phone = await linphone(transport);
      const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello, phone'));
      const receipts = await (await sender()).send({ to: ALICE, app: 'files.ua', mode: 'pager', content });
      expect(receipts).toMatchObject([{ outcome: 'delivered' }]);
      await phone.line(/hello, phone/);
    },
  );

  it('8.2.2-08: linphone has no MSRP: a file is refused for good', async () => {
    await linphone('tcp');
    const files = [fileOf(bytesOf(3000))];
    const receipts = await (await sender()).send({ to: ALICE, app: 'files.ua', mode: 'session', files });
    expect(receipts).toMatchObject([{ outcome: 'refused', status: 488, retryable: false }]);
  });

  it('8.1.1-01: a MESSAGE of linphone has no push resource and is refused', async () => {
    const credentials = { username: 'bob', password: 'bob-password' };
    const device = await Device.start([], { servers: [core.server('tcp')], credentials, trust: [ALICE] });
    closing.push(() => device.stop());
    const phone = await linphone('udp');
    phone.message(BOB, 'hello');
    expect(await device.event('refused')).toMatchObject({ method: 'MESSAGE', status: 403, from: ALICE });
    await phone.line(/NotDelivered/);
  });
});
