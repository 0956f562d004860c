/** Flow B.3, message by message. Where the sample is malformed, the test expects the corrected form. */

import { afterEach, describe, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import type { SipMessage } from '../../core/sip/message/message.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { FlowScene, GRUU, SERVICE, SERVICE_FEATURE } from '../support/agents/flow-scene.js';
import type { ExpectedStep } from '../support/captures/ladder.js';

const ENVELOPE = 'application/vnd.oma.push';
/** A Push Message for the MMS client: header block, empty line, content. */
const CONTENT =
  'X-Wap-Application-Id: mms.ua\r\nContent-Type: application/vnd.wap.mms-message\r\n\r\n(an MMS notification)';

let scene: FlowScene;
afterEach(() => scene.close());

/**
 * The sample has commas in Accept-Contact, a host instead of the address-of-record of the sender, tags within brackets
 * and a surplus quote in P-Called-Party-ID. The test does not expect its `Supported: gruu`, because the answer to a
 * MESSAGE has no Contact, and not its 1300 bytes, which are the size of the content.
 */
const sent = (to: string) => ({
  uri: to,
  headers: {
    From: expect.stringMatching(/^<sip:psa@domain\.test>;tag=\S+$/),
    To: `<${to}>`,
    'P-Asserted-Identity': `<${PSA}>`,
    'P-Asserted-Service': SERVICE,
    'Accept-Contact': `*;+g.oma.pusheventapp="mms.ua";require;explicit, *;${SERVICE_FEATURE}`,
    'Content-Type': ENVELOPE,
    'Content-Length': String(CONTENT.length),
    'Max-Forwards': '70',
    'P-Called-Party-ID': undefined,
  },
  body: CONTENT,
});

/** Steps 1 to 4. */
function flow(to: string): ExpectedStep[] {
  const request = sent(to);
  const answer = {
    From: request.headers.From,
    To: expect.stringMatching(/^<sip:bob@domain\.test[^>]*>;tag=\S+$/),
    'Content-Length': '0',
  };
  return [
    { line: 'PSA → core: MESSAGE', ...request },
    {
      line: 'core → PRA: MESSAGE',
      body: CONTENT,
      // RFC 3261 §16.6: the registered Contact of the terminal. The sample keeps the GRUU there, which only the core can
      // resolve; P-Called-Party-ID contains it.
      uri: expect.stringMatching(/^sip:[^@]+@127\.0\.0\.1:\d+;transport=tcp$/),
      headers: { ...request.headers, 'Max-Forwards': '69', 'P-Called-Party-ID': `<${to}>` },
    },
    { line: 'PRA → core: 200', headers: { ...answer, 'P-Asserted-Identity': undefined }, body: '' },
    // The identity of the sample has no scheme.
    { line: 'core → PSA: 200', headers: { ...answer, 'P-Asserted-Identity': `<${BOB}>` }, body: '' },
  ];
}

const vias = ({ headers }: SipMessage) => headers.getAll('Via').length;

describe('B.3: push content in a MESSAGE', () => {
  it.each([
    ['to the GRUU of a terminal', GRUU],
    ['to the public user identity, which the core forks', BOB],
  ])('B.3: %s', async (_title, to) => {
    scene = await FlowScene.open({ apps: ['mms.ua'], accepts: [ENVELOPE] });
    const device = await scene.register();
    const content = memoryContent({ type: ENVELOPE, parameters: {} }, Buffer.from(CONTENT));
    const receipts = await scene.sender.send({ to, app: 'mms.ua', content });
    const messages = await scene.ladder.expectSteps(['MESSAGE'], flow(to));
    expect(messages.map(vias)).toEqual([1, 2, 2, 1]);
    const of = (name: string) => new Set(messages.map(({ headers }) => headers.get(name)));
    expect([of('Call-ID').size, of('From').size]).toEqual([1, 1]);
    expect(of('CSeq')).toEqual(new Set(['1 MESSAGE']));
    expect(receipts).toMatchObject([{ outcome: 'delivered', status: 200, mode: 'pager', to }]);
    expect(device.of('push')).toMatchObject([
      { app: 'mms.ua', from: PSA, size: CONTENT.length, status: 200 },
    ]);
  });
});
