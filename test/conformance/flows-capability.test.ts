/** Flow B.2, message by message: capability delivery and resource negotiation by OPTIONS, with the referenced profile. */

import { afterEach, describe, expect, it } from 'vitest';
import { BOB, PSA } from '../support/agents/agents.js';
import { FlowScene, GRUU, INSTANCE, SERVICE } from '../support/agents/flow-scene.js';
import { eventually } from '../support/wait.js';

/**
 * The applications of the sample, sorted. Its Contact has `gr` after the bracket, and its responses have To and From
 * exchanged; the tests expect the corrected form (RFC 5627 §3.1, RFC 3261 §8.2.6.2).
 */
const APPS = ['dcd.ua', 'loc.ua', 'syncml.dm', 'wml.ua'];
const PUSH_FEATURE = `+g.oma.pusheventapp="${APPS.join(',')}"`;
const containing = (...parts: string[]) =>
  expect.stringMatching(parts.map((part) => `(?=.*${part.replace(/[+.?*()|[\]\\/]/g, '\\$&')})`).join(''));

let scene: FlowScene;
afterEach(() => scene.close());

/** The sender of the sample supports only dcd.ua. */
async function open() {
  scene = await FlowScene.open({
    apps: APPS,
    sender: { apps: ['dcd.ua'], fetch: { allow: ['http://127.0.0.1:*'] } },
  });
  return await scene.register({ senders: [PSA], profile: { vendor: 'Acme', model: 'M1' } });
}

describe('B.2: capability delivery and resource negotiation', () => {
  it('5.1-02, 5.1-12, 5.2-04, 5.2-08: an OPTIONS through the core, and its 200', async () => {
    await open();
    const from = expect.stringMatching(/^<sip:bob@domain\.test>;tag=\S+$/);
    const offered = {
      From: from,
      To: `<${PSA}>`,
      Contact: containing(`<${GRUU}>`, `;${PUSH_FEATURE}`),
      'Accept-Contact': `*;${PUSH_FEATURE}`,
      Supported: 'gruu',
      Allow: containing('INVITE', 'ACK', 'CANCEL', 'OPTIONS', 'BYE', 'MESSAGE'),
      'User-Agent': 'Acme-M1 test-device/1',
      'Content-Type': containing('message/external-body', 'access-type=URL', 'expiration="', 'URL="http://'),
    };
    const body = expect.stringMatching(
      /^Content-Type: application\/rdf\+xml\r\nContent-Disposition: attachment\r\nContent-ID: <\S+>\r\n\r\n$/,
    );
    const answered = {
      From: from,
      To: expect.stringMatching(/^<sip:psa@domain\.test>;tag=\S+$/),
      'P-Asserted-Identity': `<${PSA}>`,
      'Content-Length': '0',
      Contact: containing(';+g.oma.pusheventapp="dcd.ua"'),
      Allow: containing('OPTIONS'),
      Accept: 'message/external-body, application/rdf+xml',
      Supported: 'gruu',
    };
    const messages = await scene.ladder.expectSteps(
      ['OPTIONS'],
      [
        {
          line: 'PRA → core: OPTIONS',
          uri: PSA,
          headers: {
            ...offered,
            'P-Preferred-Identity': `<${BOB}>`,
            'P-Preferred-Service': SERVICE,
            'P-Asserted-Identity': undefined,
          },
          body,
        },
        {
          line: 'core → PSA: OPTIONS',
          headers: {
            ...offered,
            'P-Preferred-Identity': undefined,
            'P-Preferred-Service': undefined,
            'P-Asserted-Service': SERVICE,
            'P-Asserted-Identity': `<${BOB}>`,
          },
          body,
        },
        { line: 'PSA → core: 200', headers: answered, body: '' },
        { line: 'core → PRA: 200', headers: answered, body: '' },
      ],
    );
    const transactions = messages.map(({ headers }) => `${headers.get('Call-ID')} ${headers.get('CSeq')}`);
    expect(new Set(transactions).size).toBe(1);
  });

  it('5.1-13, 5.2-02, 5.2-03: both agents know the capabilities of the other', async () => {
    const device = await open();
    expect(await device.event('negotiated')).toMatchObject({ sender: PSA, apps: ['dcd.ua'] });
    expect(device.host.senders.get(PSA)?.methods).toContain('OPTIONS');
    const terminal = await eventually('the profile', () =>
      scene.sender.directory.of(BOB).find(({ types }) => types !== undefined),
    );
    expect(terminal).toMatchObject({
      user: BOB,
      gruu: GRUU,
      id: INSTANCE,
      apps: APPS,
      types: ['text/plain'],
      maxSize: 1024 ** 3,
      product: 'Acme-M1 test-device/1',
      registered: true,
    });
  });
});
