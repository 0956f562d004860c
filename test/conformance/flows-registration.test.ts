/** Flows B.1.1, B.1.2 and B.1.3, message by message. Where a sample is malformed, the test expects the corrected form. */

import { afterEach, describe, expect, it } from 'vitest';
import { readReginfo } from '../../core/content/reginfo-reader.js';
import type { SipMessage } from '../../core/sip/message/message.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { FlowScene, GRUU, INSTANCE, SERVICE_FEATURE } from '../support/agents/flow-scene.js';
import type { ExpectedStep } from '../support/captures/ladder.js';
import { eventually } from '../support/wait.js';

/** In the order of the REGISTER in the specification (B.1.1 step 1). */
const APPS = ['wml.ua', 'mms.ua', 'wv.ua', 'loc.ua', 'syncml.dm'];
/** Sorted, as an agent registers them; without the space of the sample, which is not valid in an event-app-id. */
const PUSH_FEATURE = `+g.oma.pusheventapp="${[...APPS].sort().join(',')}"`;
const CORE = 'sip:domain.test';
const tagged = (uri: string) => expect.stringMatching(new RegExp(`^<${uri}>;tag=\\S+$`));
const containing = (...parts: string[]) =>
  expect.stringMatching(parts.map((part) => `(?=.*${quote(part)})`).join(''));
const quote = (text: string) => text.replace(/[+.?*()|[\]\\]/g, '\\$&');

let scene: FlowScene;
afterEach(() => scene.close());

/**
 * Steps 1 and 2 of B.1.1. The sample separates the parameters of its Contacts by commas after the first one; RFC 3261
 * requires semicolons. Its Request-URI is the host of the registrar; it must be the domain (RFC 3261 §10.2).
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
        // The requested duration; the response of the sample has both 3600 and 7200.
        ';expires=7200',
      ),
    },
    body: '',
  },
];

/**
 * Steps 3 and 4, without the Contact of the receiver. The sample has a tag in the To of a request outside a dialog, and
 * none in its From; RFC 3261 §8.1.1 requires the opposite.
 */
const thirdPartyRegister = (expires: string): ExpectedStep[] => [
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
 * Steps 5 and 6 of B.1.2. The To of the sample is the registrar; it must be the user that the SUBSCRIBE is about (RFC
 * 3261 §8.1.1.2). Its tags are within the brackets, where they belong to the URI.
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

/** Steps 7 and 8. The sample has To and From as in the SUBSCRIBE; a NOTIFY within the dialog is from the notifier. */
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

/** One dialog: the To tag of the NOTIFY is in the SUBSCRIBE, and its From tag in the response (RFC 6665 §4.4.1). */
function inOneDialog(messages: readonly (SipMessage | undefined)[]): void {
  const [, granted, notify] = messages;
  expect(notify?.headers.get('Call-ID')).toBe(granted?.headers.get('Call-ID'));
  expect(notify?.headers.get('To')).toBe(granted?.headers.get('From'));
  expect(notify?.headers.get('From')).toBe(granted?.headers.get('To'));
}

/** The body of step 7. Its `expires` ends the element early, and its GRUU has no user. */
function registrationOf(register: SipMessage | undefined, event: string) {
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
  it('B.1.1, E.1.2-01, AD-5.3.1-1: the core reports to the sender a registration with its duration, and its end', async () => {
    scene = await FlowScene.open({ ims: true, apps: APPS });
    const device = await scene.register();
    const steps = [...registered, ...thirdPartyRegister('7200')];
    const [register, granted, report, reportResponse] = await scene.ladder.expectSteps(['REGISTER'], steps);
    for (const name of ['Call-ID', 'CSeq']) {
      expect(granted?.headers.get(name)).toBe(register?.headers.get(name));
      expect(reportResponse?.headers.get(name)).toBe(report?.headers.get(name));
    }
    // "For de-registration, the same procedures will apply accordingly."
    await device.stop();
    const left: ExpectedStep[] = [
      { line: 'PRA → core: REGISTER', headers: { Contact: containing(';+sip.instance='), Expires: '0' } },
      { line: 'core → PRA: 200', headers: { Contact: undefined } },
    ];
    await scene.ladder.expectSteps(['REGISTER'], [...steps, ...left, ...thirdPartyRegister('0')]);
  });
});

describe('B.1.2: registration event notification in IMS networks', () => {
  it('B.1.2, E.1.2-01: the sender subscribes to the registered user, and learns instance, GRUUs and applications', async () => {
    scene = await FlowScene.open({ ims: true, apps: APPS });
    await scene.register();
    const messages = await scene.ladder.expectSteps(
      ['REGISTER', 'SUBSCRIBE', 'NOTIFY'],
      [...registered, ...thirdPartyRegister('7200'), ...subscribed, ...notified],
    );
    inOneDialog(messages.slice(4));
    const document = readReginfo(messages[6]?.body ?? new Uint8Array());
    // RFC 3680 §5.1: versions start at 0, not at 1 as in the sample.
    expect(document).toMatchObject({
      version: 0,
      state: 'full',
      registrations: [registrationOf(messages[0], 'registered')],
    });
    const parameters = document.registrations[0]?.contacts[0]?.parameters;
    expect(parameters?.get('+sip.instance')).toBe(`"<${INSTANCE}>"`);
    expect(`+g.oma.pusheventapp=${parameters?.get('+g.oma.pusheventapp')}`).toBe(PUSH_FEATURE);
    await expectTerminal();
  });
});

describe('B.1.3: registration event notification in non-IMS networks', () => {
  it('B.1.3: the sender subscribes before the receiver registers, and is notified of the registration', async () => {
    scene = await FlowScene.open({ apps: APPS, sender: { watch: [BOB] } });
    // In addition to the figure: RFC 6665 §4.2.1.2 requires an immediate NOTIFY with the empty state.
    const methods = ['REGISTER', 'SUBSCRIBE', 'NOTIFY'];
    const before = await scene.ladder.expectSteps(methods, [...subscribed, ...notified]);
    expect(readReginfo(before[2]?.body ?? new Uint8Array())).toMatchObject({
      version: 0,
      state: 'full',
      registrations: [{ aor: BOB, state: 'init', contacts: [] }],
    });
    expect(scene.sender.directory.size).toBe(0);
    await scene.register();
    // The ICSI "is not included" in the sample. Here it is, as one more feature tag, which no request asks for.
    const messages = await scene.ladder.expectSteps(methods, [
      ...subscribed,
      ...notified,
      ...registered,
      ...notified,
    ]);
    inOneDialog([messages[0], messages[1], messages[6]]);
    expect(readReginfo(messages[6]?.body ?? new Uint8Array())).toMatchObject({
      version: 1,
      state: 'partial',
      registrations: [registrationOf(messages[4], 'registered')],
    });
    await expectTerminal();
  });
});

async function expectTerminal(): Promise<void> {
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
