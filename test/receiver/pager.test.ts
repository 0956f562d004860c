/** Pager mode at the receiver (TS 8.1.1), with requests that the test writes. */

import { definePushApp, refuse } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { ReceivedPush } from '../../core/app/contract/push.js';
import { PushRuntime } from '../../core/app/runtime.js';
import type { RefusalKind } from '../../core/errors.js';
import type { ReceiverEvent } from '../../core/receiver/events.js';
import { PushReceiverAgent } from '../../core/receiver/receiver.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { request } from '../support/sip/requests.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const MMS = 'application/vnd.wap.mms-message';
const RESOURCE = 'Accept-Contact: *;+g.oma.pusheventapp="mms.ua";require;explicit';
const IDENTITY = `P-Asserted-Identity: <${PSA}>`;
const TYPE = `Content-Type: ${MMS}`;
const OCTETS = Uint8Array.from({ length: 256 }, (_, octet) => octet);

let core: ScriptedCore;
let runtime: PushRuntime;
let agent: PushReceiverAgent;
let events: ReceiverEvent[];
let pushes: { push: ReceivedPush; body: Uint8Array }[];
let receive: (push: ReceivedPush) => void | Promise<void>;

function app(id: string, accepts: string[], size?: number) {
  return definePushApp({
    id,
    accepts,
    order: 'parallel',
    delivery: 'direct',
    maxSize: size,
    start: () => ({
      async receive(push) {
        pushes.push({ push, body: await push.content.bytes(100_000) });
        await receive(push);
      },
    }),
  });
}

beforeEach(async () => {
  events = [];
  pushes = [];
  receive = () => {};
  core = await ScriptedCore.tcp();
  runtime = await PushRuntime.open({ store: await platform.openStore() });
  await runtime.load(app('mms.ua', [MMS], 1000));
  await runtime.load(app('wml.ua', ['text/vnd.wap.si', 'text/vnd.wap.sl']));
  agent = new PushReceiverAgent({
    identity: BOB,
    servers: [core.uri],
    instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
    expires: 600,
    trust: [PSA, 'sip:*@trusted.test'],
    product: 'test/1',
    runtime,
    onEvent: (event) => events.push(event),
  });
  await agent.start();
  const register = await core.request('REGISTER');
  register.respond(403);
});
afterEach(async () => {
  // The agent registers its applications; the tests ignore that.
  for (const { respond } of core.unanswered('REGISTER')) respond(403);
  await agent.stop();
  await runtime.stop();
  await core.close();
});

const message = (lines: string[], body: string | Uint8Array = 'content') =>
  core.exchange(request('MESSAGE', BOB, lines, body));

it('D-01: passes the called identity to the application, whatever the Contact is', async () => {
  const tel = 'P-Called-Party-ID: <tel:+15550100>';
  expect((await message([RESOURCE, IDENTITY, TYPE, tel])).status).toBe(200);
  expect((await message([RESOURCE, IDENTITY, TYPE])).status).toBe(200);
  expect(pushes.map(({ push }) => push.to)).toEqual(['tel:+15550100', BOB]);
});

describe('checks in the order of 8.1.1', () => {
  it.each([
    ['no Accept-Contact', []],
    ['an Accept-Contact without a push resource', ['Accept-Contact: *;audio']],
    ['an unknown push resource', ['Accept-Contact: *;+g.oma.pusheventapp="ulp.ua"']],
    [
      'the application of another vendor with the same name',
      ['Accept-Contact: *;+g.oma.pusheventapp="x-wap-vodafone:mms.ua"'],
    ],
    ['a negated push resource', ['Accept-Contact: *;+g.oma.pusheventapp="!mms.ua"']],
  ])('8.1.1-01, 7.2-03: answers 403 for %s', async (_title, lines) => {
    const answer = await message([...lines, IDENTITY, TYPE]);
    expect(answer.status).toBe(403);
    expect(pushes).toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'refused', method: 'MESSAGE', status: 403, from: PSA }),
    );
  });

  it.each([
    ['no identity', []],
    ['an untrusted identity', ['P-Asserted-Identity: <sip:mallory@domain.test>']],
    [
      'a trusted identity only as the display name',
      [`P-Asserted-Identity: "${PSA}" <sip:mallory@domain.test>`],
    ],
    ['a preferred identity, which is not asserted', [`P-Preferred-Identity: <${PSA}>`]],
  ])('8.1.1-02, 9-01: answers 403 for %s', async (_title, lines) => {
    expect((await message([RESOURCE, TYPE, ...lines])).status).toBe(403);
    expect(pushes).toEqual([]);
  });

  it('8.1.1-02: answers 403 for a malformed identity, with a reason', async () => {
    expect((await message([RESOURCE, TYPE, 'P-Asserted-Identity: <sip:psa@>'])).status).toBe(403);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'refused', reason: expect.stringContaining('invalid identity') }),
    );
  });

  it('8.1.1-02: ignores surplus identities (RFC 5876 4.5)', async () => {
    const surplus = 'P-Asserted-Identity: <sip:mallory@domain.test>, <<';
    expect((await message([RESOURCE, TYPE, IDENTITY, surplus])).status).toBe(200);
    expect((await message([RESOURCE, TYPE, surplus, IDENTITY])).status).toBe(403);
  });

  it('8.1.1-00, 8.1.1-01, 8.1.1-02: checks the resource, then the identity, then the content', async () => {
    const unknown = 'Accept-Contact: *;+g.oma.pusheventapp="ulp.ua"';
    expect((await message(['Content-Type: text/html'])).status).toBe(403);
    expect((await message([unknown, 'P-Asserted-Identity: <<', 'Content-Type: text/html'])).status).toBe(403);
    expect((await message([RESOURCE, 'Content-Type: text/html'])).status).toBe(403);
    expect((await message([RESOURCE, IDENTITY, 'Content-Type: text/html'])).status).toBe(415);
    const reasons = events.flatMap((event) => (event.event === 'refused' ? [event.reason] : []));
    expect(reasons).toEqual([
      'no push resource identifier in Accept-Contact',
      'no application for ulp.ua',
      'the SIP/IP core asserts no identity of the sender',
      expect.stringMatching(
        /^mms\.ua does not accept text\/html; accepted types: application\/vnd\.wap\.mms-message/,
      ),
    ]);
  });

  it('C-06: lists the types that the addressed application accepts in the Accept of a 415', async () => {
    const answer = await message([RESOURCE, IDENTITY, 'Content-Type: text/html']);
    expect(answer.status).toBe(415);
    expect(answer.headers.getAll('Accept')).toEqual([MMS, 'message/external-body']);
    expect(answer.headers.has('Warning')).toBe(false);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'refused', status: 415, apps: ['mms.ua'] }),
    );
    expect((await message([RESOURCE, IDENTITY], '')).status).toBe(415);
  });

  it('answers 415 with Accept-Encoding for an unknown encoding', async () => {
    for (const encoding of ['br', 'identity, br', 'identity\r\nContent-Encoding: br']) {
      const answer = await message([RESOURCE, IDENTITY, TYPE, `Content-Encoding: ${encoding}`]);
      expect(answer.status).toBe(415);
      expect(answer.headers.getAll('Accept-Encoding')).toEqual(['gzip', 'deflate', 'identity']);
    }
    expect((await message([RESOURCE, IDENTITY, TYPE, 'Content-Encoding: Identity'])).status).toBe(200);
  });
});

describe('a push that passes the checks', () => {
  it('8.1.1-03, 8.1.1-05, AD-5.3.2-4, C-01, SIPPUSH-PRA-C-001-M, SIPPUSH-PRA-C-003-O: is answered 200 when its application has accepted it unchanged', async () => {
    let accept = () => {};
    receive = () =>
      new Promise<void>((resolve) => {
        accept = resolve;
      });
    const sent = request('MESSAGE', BOB, [RESOURCE, IDENTITY, TYPE, 'Content-ID: <1@test>'], OCTETS);
    const answer = core.exchange(sent);
    await until(() => expect(pushes).toHaveLength(1));
    expect(core.responses.filter(({ status }) => status >= 200)).toEqual([]);
    accept();
    expect((await answer).status).toBe(200);
    const [{ push, body } = { push: undefined, body: undefined }] = pushes;
    expect(body).toEqual(OCTETS);
    expect(push).toMatchObject({ app: 'mms.ua', from: PSA, to: BOB, mode: 'pager', attempt: 1 });
    expect(push?.headers['content-id']).toBe('<1@test>');
    await until(() =>
      expect(events).toContainEqual({
        event: 'push',
        id: push?.id,
        app: 'mms.ua',
        mode: 'pager',
        from: PSA,
        contentType: MMS,
        size: 256,
        sha256: platform.hash('sha-256', OCTETS),
        outcome: 'accepted',
        status: 200,
      }),
    );
  });

  it.each([
    ['the URN', '*;+g.oma.pusheventapp="x-wap-application:mms.ua"'],
    [
      'the first spelling of B.3',
      '*, +g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush", +g.oma.pusheventapp="mms.ua"',
    ],
    [
      'the second spelling of B.3',
      '*; +g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"; +g.oma.pusheventapp="mms.ua"',
    ],
    ['a list with spaces', '*;+g.oma.pusheventapp="loc.ua, mms.ua"'],
  ])('7.1-04, 7.2-03: is addressed by %s', async (_title, accept) => {
    expect((await message([`Accept-Contact: ${accept}`, IDENTITY, TYPE])).status).toBe(200);
  });

  it.each(['urn:urn-7:3gpp-application.ims.iari.a', 'urn%3Aurn-7%3A3gpp-application.ims.iari.a'])(
    'D-01: is addressed by an IARI, percent-encoded in the feature tag; the manifest has %s',
    async (iari) => {
      await runtime.load({ ...app('dcd.ua', ['text/plain']), iari });
      const other = 'urn:urn-7:3gpp-application.ims.iari.b';
      await runtime.load({ ...app('dcd.ua', ['text/plain']), iari: other });
      const addressed = (name: string) =>
        `Accept-Contact: *;+g.oma.pusheventapp="dcd.ua";+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.${name}"`;
      const text = 'Content-Type: text/plain';
      expect((await message([addressed('a'), IDENTITY, text])).status).toBe(200);
      expect((await message([addressed('b'), IDENTITY, text])).status).toBe(200);
      expect((await message([addressed('c'), IDENTITY, text])).status).toBe(403);
    },
  );

  it('7.1-01, 7.1-01a, 7.2-03: goes to the first of several resources that accepts the media type', async () => {
    const several = 'Accept-Contact: *;+g.oma.pusheventapp="mms.ua,wml.ua"';
    expect((await message([several, IDENTITY, 'Content-Type: text/vnd.wap.sl'])).status).toBe(200);
    expect(pushes.map(({ push }) => push.app)).toEqual(['wml.ua']);
  });

  it('D-02: is addressed by the sample of D.2, whose feature tag for an IARI was renamed later', async () => {
    const sample =
      'Accept-Contact: *;+g.ims.app_ref="<urn:urn-7:3gpp-application.mmsua>";+g.oma.pusheventapp="mms.ua"';
    expect((await message([sample, IDENTITY, TYPE, 'P-Asserted-Service: urn:urn-7.push'])).status).toBe(200);
    expect(pushes.map(({ push }) => push.app)).toEqual(['mms.ua']);
  });

  it('AD-5.2-6: has its push control information, and no other header fields', async () => {
    const control = ['X-Wap-Application-Id: mms.ua', 'X-OMA-Priority: high', 'Content-Disposition: render'];
    expect((await message([RESOURCE, IDENTITY, TYPE, ...control, 'Subject: x'])).status).toBe(200);
    expect(pushes[0]?.push.headers).toEqual({
      'content-type': MMS,
      'content-length': '7',
      'content-disposition': 'render',
      'x-wap-application-id': 'mms.ua',
      'x-oma-priority': 'high',
    });
  });

  it('7.1-02, 7.2-03: goes to the application whose id differs in case (RFC 3840 9)', async () => {
    const resource = 'Accept-Contact: *;+g.oma.pusheventapp="MMS.UA";require;explicit';
    expect((await message([resource, IDENTITY, TYPE])).status).toBe(200);
    expect(pushes.map(({ push }) => push.app)).toEqual(['mms.ua']);
    await expect(runtime.load(app('Mms.UA', [MMS]))).rejects.toThrow('mms.ua');
  });

  it('8.1.1-05: in a message/cpim is delivered without it (RFC 3862)', async () => {
    const cpim = (headers: string) => `From: <${PSA}>\r\nTo: <${BOB}>\r\n\r\n${headers}\r\nhello`;
    const send = (body: string) =>
      core.exchange(request('MESSAGE', BOB, [RESOURCE, IDENTITY, 'Content-Type: message/cpim'], body));
    expect((await send(cpim(`Content-Type: ${MMS}\r\nContent-Description: a\r\n`))).status).toBe(200);
    expect(pushes.map(({ body }) => Buffer.from(body).toString())).toEqual(['hello']);
    expect(pushes[0]?.push.headers).toMatchObject({ 'content-type': MMS, 'content-description': 'a' });
    expect((await send(cpim('Content-Type: text/html\r\n'))).status).toBe(415);
    expect((await send('no headers')).status).toBe(400);
  });

  it.each([
    ['base64', 'aGVs\r\nbG8='],
    ['Quoted-Printable', 'h=65=\r\nllo'],
    ['binary', 'hello'],
  ])(
    '8.1.1-05: in the transfer encoding %s is decoded, also in a message/cpim (RFC 2045 §6)',
    async (encoding, body) => {
      const header = `Content-Transfer-Encoding: ${encoding}`;
      expect((await message([RESOURCE, IDENTITY, TYPE, header], body)).status).toBe(200);
      const wrapped = `From: <${PSA}>\r\n\r\nContent-Type: ${MMS}\r\n${header}\r\n\r\n${body}`;
      expect((await message([RESOURCE, IDENTITY, 'Content-Type: message/cpim'], wrapped)).status).toBe(200);
      expect(pushes.map((push) => Buffer.from(push.body).toString())).toEqual(['hello', 'hello']);
    },
  );

  it('8.1.1-05: in an unknown transfer encoding is refused with 415', async () => {
    const lines = [RESOURCE, IDENTITY, TYPE, 'Content-Transfer-Encoding: x-uuencode'];
    expect((await message(lines)).status).toBe(415);
    expect(pushes).toEqual([]);
  });

  it('AD-5.3.5: is processed concurrently with others', async () => {
    const waiting: (() => void)[] = [];
    receive = () => new Promise<void>((resolve) => void waiting.push(resolve));
    const answers = Array.from({ length: 5 }, () => message([RESOURCE, IDENTITY, TYPE]));
    await until(() => expect(waiting).toHaveLength(5));
    for (const resolve of waiting) resolve();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });
});

describe('the identity of a push', () => {
  const SI = 'Content-Type: text/vnd.wap.si';
  const BOTH = 'Accept-Contact: *;+g.oma.pusheventapp="mms.ua,wml.ua"';
  const LINES = [RESOURCE, IDENTITY, TYPE];

  /** Sends a MESSAGE with the same Call-ID, and another branch and tag, as after a crash of its sender. */
  const send = async (lines = LINES, body = 'content', changes: Record<string, string> = {}) => {
    const sent = request('MESSAGE', BOB, lines, body);
    for (const [name, value] of Object.entries({ 'Call-ID': 'push@test', ...changes }))
      sent.headers.set(name, value);
    const { status } = await core.exchange(sent);
    return status;
  };

  it.each<[string, Record<string, string>]>([
    ['another branch and tag', {}],
    ['the next CSeq, as after a challenge (RFC 3261 §22.2)', { CSeq: '2 MESSAGE' }],
    ['another Via', { Via: 'SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKother' }],
  ])(
    '8.1.1-03, 8.1.1-05: is the same with %s: it is delivered once and answered 200',
    async (_title, changes) => {
      expect(await send()).toBe(200);
      expect(await send(LINES, 'content', changes)).toBe(200);
      expect(pushes).toHaveLength(1);
    },
  );

  it('8.1.1-05: is the same when the date of the device steps forward and back', async () => {
    expect(await send()).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 });
    try {
      expect(await send()).toBe(200);
      vi.setSystemTime(Date.now() - 2 * 86_400_000);
      expect(await send()).toBe(200);
    } finally {
      vi.useRealTimers();
    }
    expect(pushes).toHaveLength(1);
  });

  it.each<[string, string[], string?, Record<string, string>?]>([
    ['another sender', [RESOURCE, 'P-Asserted-Identity: <sip:psa@trusted.test>', TYPE]],
    ['another push resource', [BOTH, IDENTITY, TYPE]],
    ['another media type', ['Accept-Contact: *;+g.oma.pusheventapp="mms.ua,wml.ua"', IDENTITY, SI]],
    ['another content', LINES, 'contents'],
    ['another Call-ID', LINES, 'content', { 'Call-ID': 'other@test' }],
  ])('8.1.1-05: is another one with %s: both are delivered', async (_title, lines, body, changes) => {
    expect(await send()).toBe(200);
    expect(await send(lines, body, changes)).toBe(200);
    expect(pushes).toHaveLength(2);
    expect(new Set(pushes.map(({ push }) => push.id)).size).toBe(2);
  });

  it('8.1.1-05: of a refused push is open: when it is sent again, it is delivered', async () => {
    receive = () => {
      throw refuse('busy', 'not now');
    };
    expect(await send()).toBe(480);
    receive = () => {};
    expect(await send()).toBe(200);
    expect(pushes).toHaveLength(2);
  });
});

describe('a refusal of an application (appendix C)', () => {
  it.each<[RefusalKind, number, string | undefined, string]>([
    ['forbidden', 403, undefined, 'C-03'],
    ['type', 415, undefined, 'C-06'],
    ['size', 413, undefined, 'C-00'],
    ['declined', 603, undefined, 'C-02'],
    ['busy', 480, '7', 'C-00'],
    ['resources', 500, '7', 'C-05'],
    ['failed', 500, undefined, 'C-02'],
  ])('%s is answered %i, Retry-After %s (%s)', async (kind, status, retryAfter) => {
    receive = () => {
      throw refuse(kind, 'as configured', {
        retryAfter: retryAfter ? Number(retryAfter) : undefined,
      });
    };
    const answer = await message([RESOURCE, IDENTITY, TYPE]);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Retry-After')).toBe(retryAfter);
    expect(answer.headers.has('Accept')).toBe(kind === 'type');
    expect(answer.headers.get('Warning')).toBe(kind === 'type' ? '399 sip-push "as configured"' : undefined);
    expect(events.find(({ event }) => event === 'push')).toMatchObject({
      status,
      outcome: kind === 'failed' ? 'failed' : 'refused',
      reason: 'as configured',
    });
  });

  it('is 413 for content that is too large for the application', async () => {
    expect((await message([RESOURCE, IDENTITY, TYPE], new Uint8Array(1001))).status).toBe(413);
    expect(pushes).toEqual([]);
  });

  it('of an application that throws affects only its own push', async () => {
    receive = (push) => {
      if (push.attempt === 1 && pushes.length === 1) throw undefined;
    };
    expect((await message([RESOURCE, IDENTITY, TYPE])).status).toBe(500);
    expect((await message([RESOURCE, IDENTITY, TYPE])).status).toBe(200);
  });

  it('C-04: is never 408 or 503: a slow application is a 500 within 16 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      receive = () => new Promise<void>(() => {});
      core.send(request('MESSAGE', BOB, [RESOURCE, IDENTITY, TYPE], 'content'));
      await until(() => expect(pushes).toHaveLength(1));
      await vi.advanceTimersByTimeAsync(15_900);
      await until(() => expect(core.responses.some(({ status }) => status === 500)).toBe(true));
      expect(core.responses.some(({ status }) => status === 408 || status === 503)).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
});

it('answers a push in progress before it stops', async () => {
  let accept = () => {};
  receive = () =>
    new Promise<void>((resolve) => {
      accept = resolve;
    });
  const sent = request('MESSAGE', BOB, [RESOURCE, IDENTITY, TYPE], 'content');
  const answer = core.exchange(sent);
  await until(() => expect(pushes).toHaveLength(1));
  const stopped = agent.stop();
  accept();
  expect((await answer).status).toBe(200);
  await stopped;
});

it('stops in time although an application is slow', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    receive = () => new Promise<void>(() => {});
    core.send(request('MESSAGE', BOB, [RESOURCE, IDENTITY, TYPE], 'content'));
    await until(() => expect(pushes).toHaveLength(1));
    const stopped = agent.stop();
    await vi.advanceTimersByTimeAsync(2_000);
    await stopped;
  } finally {
    vi.useRealTimers();
  }
});
