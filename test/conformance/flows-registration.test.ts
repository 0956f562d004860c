/** Flows B.1.1, B.1.2 and B.1.3, message by message. Where a sample is malformed, the corrected form is looked for. */

import { afterEach, describe, expect, it } from 'vitest';
import { readReginfo } from '../../core/content/reginfo/reginfo-reader.js';
import type { SipMessage } from '../../core/sip/message/message.js';
import { BOB, PSA } from '../support/agents.js';
import { FlowScene, GRUU, INSTANCE, SERVICE_FEATURE } from '../support/flow-scene.js';
import type { ExpectedStep } from '../support/ladder.js';
import { eventually } from '../support/wait.js';

/** In the order of the specification's REGISTER (B.1.1 step 1). */
const APPS = ['wml.ua', 'mms.ua', 'wv.ua', 'loc.ua', 'syncml.dm'];
/** Sorted, as an agent registers them; without the sample's blank, which is no part of an event-app-id. */
const PUSH_FEATURE = `+g.oma.pusheventapp="${[...APPS].sort().join(',')}"`;
const CORE = 'sip:domain.test';
const tagged = (uri: string) => expect.stringMatching(new RegExp(`^<${uri}>;tag=\\S+$`));
const containing = (...parts: string[]) =>
  expect.stringMatching(parts.map((part) => `(?=.*${quote(part)})`).join(''));
const quote = (text: string) => text.replace(/[+.?*()|[\]\\]/g, '\\$&');

let scene: FlowScene;
afterEach(() => scene.close());

/**
 * Steps 1 and 2 of B.1.1. The sample has commas between the parameters of its Contacts, and nothing after the first:
 * RFC 3261 wants semicolons. It names the registrar's host as Request-URI, which is the domain (RFC 3261 10.2).
 */
const registered: ExpectedStep[] = [
  {
    line: 'PRA → core: REGISTER',
    uri: CORE,
    headers: {
      To: `<${BOB}>`,
      From: tagged(BOB),
      Require: 'pref',
      Supported: containing('gruu'),
      Contact: containing(`;+sip.instance="<${INSTANCE}>"`, `;${SERVICE_FEATURE}`, `;${PUSH_FEATURE}`),
      Expires: '7200',
    },
    body: '',
  },
  {
    line: 'core → PRA: 200',
    headers: {
      To: tagged(BOB),
      From: tagged(BOB),
      Contact: containing(
        `;pub-gruu="${GRUU}"`,
        ';temp-gruu="sip:',
        `;+sip.instance="<${INSTANCE}>"`,
        `;${SERVICE_FEATURE}`,
        `;${PUSH_FEATURE}`,
        // As asked; the sample's answer says both 3600 and 7200.
        ';expires=7200',
      ),
    },
    body: '',
  },
];

/**
 * Steps 3 and 4: no word of the receiver's Contact. The sample has a tag in the To of a request that is in no dialog, and
 * none in its From; RFC 3261 8.1.1 wants it the other way round.
 */
const toldOf = (expires: string): ExpectedStep[] => [
  {
    line: 'core → PSA: REGISTER',
    uri: expect.stringMatching(/^sip:127\.0\.0\.1:\d+;transport=udp$/),
    headers: {
      To: `<${BOB}>`,
      From: tagged(CORE),
      Contact: expect.stringMatching(/^<sip:127\.0\.0\.1:\d+;transport=udp>$/),
      Expires: expires,
    },
    body: '',
  },
  {
    line: 'PSA → core: 200',
    headers: {
      To: tagged(BOB),
      From: tagged(CORE),
      Contact: expect.stringMatching(/^<sip:[^>]+>$/),
      Expires: expires,
    },
    body: '',
  },
];

/**
 * Steps 5 and 6 of B.1.2. The sample addresses its To to the registrar: a SUBSCRIBE outside a dialog is to whom it is about
 * (RFC 3261 8.1.1.2). Its tags stand within the brackets, where they are the URI's.
 */
const subscribed: ExpectedStep[] = [
  {
    line: 'PSA → core: SUBSCRIBE',
    uri: BOB,
    headers: {
      'P-Asserted-Identity': `<${PSA}>`,
      To: `<${BOB}>`,
      From: tagged(PSA),
      Contact: expect.stringMatching(/^<sip:[^>]+>$/),
      Event: 'reg',
      Expires: '3600',
      Accept: 'application/reginfo+xml',
    },
    body: '',
  },
  {
    line: 'core → PSA: 200',
    headers: {
      To: tagged(BOB),
      From: tagged(PSA),
      Contact: expect.stringMatching(/^<sip:127\.0\.0\.1:\d+;transport=udp>$/),
      Expires: '3600',
    },
    body: '',
  },
];

/** Steps 7 and 8. The sample has To and From as in the SUBSCRIBE: within a dialog the notifier is who a NOTIFY is from. */
const notified: ExpectedStep[] = [
  {
    line: 'core → PSA: NOTIFY',
    headers: {
      To: tagged(PSA),
      From: tagged(BOB),
      'Subscription-State': expect.stringMatching(/^active;expires=3(600|59\d)$/),
      Event: 'reg',
      'Content-Type': 'application/reginfo+xml',
      Contact: expect.stringMatching(/^<sip:127\.0\.0\.1:\d+;transport=udp>$/),
    },
  },
  { line: 'PSA → core: 200', headers: { To: tagged(PSA), From: tagged(BOB) }, body: '' },
];

/** A dialog: the SUBSCRIBE has the tag that the NOTIFY is to, its answer the one that it is from (RFC 6665 4.4.1). */
function inOneDialog(messages: readonly (SipMessage | undefined)[]): void {
  const [, granted, notify] = messages;
  expect(notify?.headers.get('Call-ID')).toBe(granted?.headers.get('Call-ID'));
  expect(notify?.headers.get('To')).toBe(granted?.headers.get('From'));
  expect(notify?.headers.get('From')).toBe(granted?.headers.get('To'));
}

/** The body of step 7, whose `expires` closes its element early and whose GRUU lacks the user. */
function tellsOf(register: SipMessage | undefined, event: string) {
  const cseq = Number(register?.headers.get('CSeq')?.split(' ')[0]);
  return {
    aor: BOB,
    state: 'active',
    contacts: [
      {
        state: 'active',
        event,
        expires: expect.closeTo(7200, -1),
        callId: register?.headers.get('Call-ID'),
        cseq,
        uri: expect.stringMatching(/^sip:[^@]+@127\.0\.0\.1:\d+/),
        publicGruu: GRUU,
        temporaryGruu: { uri: expect.stringMatching(/^sip:[^@]+@domain\.test;gr$/), firstCSeq: cseq },
      },
    ],
  };
}

describe('B.1.1: third-party registration in IMS networks', () => {
  it('B.1.1, E-01: the core tells the sender who is registered, and for how long; and that he is not any more', async () => {
    scene = await FlowScene.open({ ims: true, apps: APPS });
    const device = await scene.register();
    const steps = [...registered, ...toldOf('7200')];
    const [register, granted, told, taken] = await scene.ladder.plays(['REGISTER'], steps);
    for (const name of ['Call-ID', 'CSeq']) {
      expect(granted?.headers.get(name)).toBe(register?.headers.get(name));
      expect(taken?.headers.get(name)).toBe(told?.headers.get(name));
    }
    // "For de-registration, the same procedures will apply accordingly."
    await device.stop();
    const left: ExpectedStep[] = [
      { line: 'PRA → core: REGISTER', headers: { Contact: containing(';+sip.instance='), Expires: '0' } },
      { line: 'core → PRA: 200', headers: { Contact: undefined } },
    ];
    await scene.ladder.plays(['REGISTER'], [...steps, ...left, ...toldOf('0')]);
  });
});

describe('B.1.2: registration event notification in IMS networks', () => {
  it('B.1.2, E-01: the sender subscribes to whom the core has registered, and learns instance, GRUUs and applications', async () => {
    scene = await FlowScene.open({ ims: true, apps: APPS });
    await scene.register();
    const messages = await scene.ladder.plays(
      ['REGISTER', 'SUBSCRIBE', 'NOTIFY'],
      [...registered, ...toldOf('7200'), ...subscribed, ...notified],
    );
    inOneDialog(messages.slice(4));
    const document = readReginfo(messages[6]?.body ?? new Uint8Array());
    // RFC 3680 5.1: versions begin at 0, not at the sample's 1.
    expect(document).toMatchObject({
      version: 0,
      state: 'full',
      registrations: [tellsOf(messages[0], 'registered')],
    });
    const parameters = document.registrations[0]?.contacts[0]?.parameters;
    expect(parameters?.get('+sip.instance')).toBe(`"<${INSTANCE}>"`);
    expect(`+g.oma.pusheventapp=${parameters?.get('+g.oma.pusheventapp')}`).toBe(PUSH_FEATURE);
    await learnt();
  });
});

describe('B.1.3: registration event notification in non-IMS networks', () => {
  it('B.1.3: the sender subscribes before anybody is registered, and is told when the receiver is', async () => {
    scene = await FlowScene.open({ apps: APPS, sender: { watch: [BOB] } });
    // Ahead of the figure: RFC 6665 4.2.1.2 wants a NOTIFY at once, that there is nobody.
    const methods = ['REGISTER', 'SUBSCRIBE', 'NOTIFY'];
    const before = await scene.ladder.plays(methods, [...subscribed, ...notified]);
    expect(readReginfo(before[2]?.body ?? new Uint8Array())).toMatchObject({
      version: 0,
      state: 'full',
      registrations: [{ aor: BOB, state: 'init', contacts: [] }],
    });
    expect(scene.sender.directory.size).toBe(0);
    await scene.register();
    // The ICSI "is not included" there. It is here: outside IMS it is one more feature tag, which nobody asks for.
    const messages = await scene.ladder.plays(methods, [
      ...subscribed,
      ...notified,
      ...registered,
      ...notified,
    ]);
    inOneDialog([messages[0], messages[1], messages[6]]);
    expect(readReginfo(messages[6]?.body ?? new Uint8Array())).toMatchObject({
      version: 1,
      state: 'partial',
      registrations: [tellsOf(messages[4], 'registered')],
    });
    await learnt();
  });
});

async function learnt(): Promise<void> {
  const { directory } = scene.sender;
  const terminal = await eventually('a terminal', () => directory.of(BOB)[0]);
  expect(terminal).toMatchObject({
    instanceId: INSTANCE,
    gruu: GRUU,
    apps: [...APPS].sort(),
    registered: true,
  });
  expect(directory.size).toBe(1);
}
