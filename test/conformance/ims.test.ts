/** Appendices D and E with the agents and the embedded core: service, instances, and a sender that is not a trusted server. */

import { afterEach, describe, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { definePushApp } from '../../sdk/index.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, Device, PSA, startSender } from '../support/agents/agents.js';
import { FlowScene, GRUU, SERVICE, SERVICE_FEATURE } from '../support/agents/flow-scene.js';
import { Ladder } from '../support/captures/ladder.js';
import { makeCertificates } from '../support/certificates.js';

const TYPE = { type: 'text/plain', parameters: {} };
const content = memoryContent(TYPE, Buffer.from('hello'));
const IARIS = ['work', 'home'].map((name) => `urn:urn-7:3gpp-application.ims.iari.${name}`);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('the communication service and its applications', () => {
  it('D-01: two instances of an application are registered by IARI, and each receives the pushes that name it', async () => {
    const scene = await FlowScene.open({ apps: [] });
    closing.push(() => scene.close());
    const received: string[] = [];
    const apps = IARIS.map((iari) => {
      const start = () => ({ receive: () => void received.push(iari) });
      return {
        definition: definePushApp({ id: 'mms.ua', iari, accepts: [TYPE.type], delivery: 'direct', start }),
      };
    });
    await scene.register({ apps });
    const instances =
      '+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.home,urn%3Aurn-7%3A3gpp-application.ims.iari.work"';
    const [register] = await scene.ladder.expectSteps(
      ['REGISTER'],
      [{ line: 'PRA → core: REGISTER' }, { line: 'core → PRA: 200' }],
    );
    expect(register?.headers.get('Contact')).toContain(
      `;${SERVICE_FEATURE};${instances};+g.oma.pusheventapp="mms.ua"`,
    );
    for (const iari of IARIS) {
      const [receipt] = await scene.sender.send({ to: GRUU, app: 'mms.ua', iari, content });
      expect(receipt).toMatchObject({ outcome: 'delivered' });
    }
    expect(received).toEqual(IARIS);
    // D.2; the feature tag for an IARI in the sample was renamed later.
    const accepted = (name: string) =>
      `*;+g.oma.pusheventapp="mms.ua";require;explicit, *;${SERVICE_FEATURE};+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.${name}"`;
    const messages = ['work', 'home'].flatMap((name) => [
      {
        line: 'PSA → core: MESSAGE',
        headers: { 'Accept-Contact': accepted(name), 'P-Asserted-Service': SERVICE },
      },
      {
        line: 'core → PRA: MESSAGE',
        headers: { 'Accept-Contact': accepted(name), 'P-Asserted-Service': SERVICE },
      },
      { line: 'PRA → core: 200' },
      { line: 'core → PSA: 200' },
    ]);
    await scene.ladder.expectSteps(['MESSAGE'], messages);
  });

  it('D-01: an invalid IARI is rejected, and nothing is sent', async () => {
    const scene = await FlowScene.open({ apps: [] });
    closing.push(() => scene.close());
    const sent = scene.sender.send({ to: BOB, app: 'mms.ua', iari: 'mms, or so', content });
    await expect(sent).rejects.toThrow(/invalid IARI "mms, or so"/);
  });
});

describe('a sender that is not a trusted server of the core', () => {
  it('E.1.3-02, E.1.3-03, D-01: is authenticated by TLS and digest, and the core asserts its identity and the service', async () => {
    const certificates = await makeCertificates();
    closing.push(() => certificates.remove());
    const ladder = new Ladder();
    const network = await startNetwork({
      listen: ['sip:127.0.0.1:0;transport=tls', 'sip:127.0.0.1:0;transport=tcp'],
      users: { bob: { password: 'b' }, psa: { password: 'p' } },
      tls: certificates,
      onEvent: ladder.onEvent,
    });
    closing.push(() => network.close());
    const [tls = '', tcp = ''] = network.uris;
    const start = () => ({ receive() {} });
    const device = await Device.start(
      [definePushApp({ id: 'mms.ua', accepts: [TYPE.type], delivery: 'direct', start })],
      {
        servers: [tcp],
        credentials: { username: 'bob', password: 'b' },
        onWire: ladder.end('PRA'),
      },
    );
    closing.push(() => device.stop());
    const sender = await startSender({
      servers: [tls],
      tls: { ca: certificates.ca },
      credentials: { username: 'psa', password: 'p' },
      assertIdentity: false,
      onWire: ladder.end('PSA'),
    });
    closing.push(() => sender.stop());
    const receipts = await sender.send({ to: BOB, app: 'mms.ua', content });
    expect(receipts).toMatchObject([{ outcome: 'delivered' }]);
    const unasserted = {
      'P-Asserted-Identity': undefined,
      'P-Asserted-Service': undefined,
      'P-Preferred-Service': SERVICE,
    };
    const asserted = {
      'P-Asserted-Identity': `<${PSA}>`,
      'P-Asserted-Service': SERVICE,
      'P-Preferred-Service': undefined,
      'Proxy-Authorization': undefined,
    };
    await ladder.expectSteps(
      ['MESSAGE'],
      [
        { line: 'PSA → core: MESSAGE', headers: { ...unasserted, 'Proxy-Authorization': undefined } },
        {
          line: 'core → PSA: 407',
          headers: { 'Proxy-Authenticate': expect.stringContaining('algorithm=SHA-256') },
        },
        {
          line: 'PSA → core: MESSAGE',
          headers: { ...unasserted, 'Proxy-Authorization': expect.stringContaining('username="psa"') },
        },
        { line: 'core → PRA: MESSAGE', headers: asserted },
        { line: 'PRA → core: 200' },
        { line: 'core → PSA: 200' },
      ],
    );
    expect(device.of('push')).toMatchObject([{ from: PSA }]);
  });
});
