/** Capability delivery and resource negotiation at the receiver (TS 5.1). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { BOB, PSA } from '../support/agents/agents.js';
import { request } from '../support/sip/requests.js';
import { until } from '../support/wait.js';
import {
  agree,
  contactOf,
  NegotiationScene,
  PUBLIC_GRUU,
  recordingApp,
  type SceneOptions,
} from './negotiation-scene.js';

const OTHER = 'sip:other@trusted.test';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

async function scene(options: SceneOptions = {}, apps?: readonly string[]) {
  const opened = await NegotiationScene.open(options, apps);
  closing.push(() => opened.close());
  return opened;
}

async function registered(options: SceneOptions = {}, apps?: readonly string[]) {
  const opened = await scene(options, apps);
  await opened.register();
  return opened;
}

/** Waits until all requests of the agent have arrived: it answers an OPTIONS after them. */
const settled = ({ core }: NegotiationScene) => core.exchange(request('OPTIONS', BOB));

describe('the OPTIONS', () => {
  it('5.1-01, 5.1-02, 5.1-12, SIPPUSH-PRA-C-005-O: is sent to the sender through the core after the registration', async () => {
    const opened = await scene();
    await until(() => expect(opened.core.requests).not.toEqual([]));
    await settled(opened);
    expect(opened.core.requests.map(({ request: { method } }) => method)).toEqual(['REGISTER']);
    await opened.register();
    const { request: options } = await opened.options();
    expect(options.uri).toBe(PSA);
    expect(options.headers.get('To')).toBe(`<${PSA}>`);
    expect(options.headers.get('From')).toContain(`<${BOB}>`);
  });

  it('5.1-03, D-01: has the identity and the service', async () => {
    const { request: options } = await (await registered()).options();
    expect(options.headers.get('P-Preferred-Identity')).toBe(`<${BOB}>`);
    expect(options.headers.get('P-Preferred-Service')).toBe('urn:urn-7:3gpp-service.ims.icsi.omapush');
  });

  it('5.1-04, 5.1-05, 5.1-07, AD-5.3.2: has the public GRUU in its Contact, with every push resource', async () => {
    const options = await (await registered()).options();
    expect(contactOf(options)?.uri).toBe(PUBLIC_GRUU);
    expect(contactOf(options)?.parameters.get('+g.oma.pusheventapp')).toBe('mms.ua,wml.ua');
    expect(contactOf(options)?.parameters.get('+g.3gpp.icsi-ref')).toContain('omapush');
    expect(options.request.headers.getAll('Supported')).toEqual(['gruu']);
  });

  it('5.1-04, 5.1-07: has the registered address without a GRUU, and no option tag gruu', async () => {
    const opened = await scene();
    const { request: register, respond } = await opened.core.request('REGISTER');
    respond(200, [['Contact', register.headers.get('Contact') ?? '']]);
    const options = await opened.options();
    expect(contactOf(options)?.uri).toMatch(/^sip:[0-9a-f]{16}@127\.0\.0\.1:\d+;transport=tcp$/);
    expect(options.request.headers.has('Supported')).toBe(false);
  });

  it('5.1-06: has every push resource in Accept-Contact', async () => {
    const { request: options } = await (await registered()).options();
    expect(options.headers.get('Accept-Contact')).toBe('*;+g.oma.pusheventapp="mms.ua,wml.ua"');
  });

  it('5.1-08: has the methods of the agent in Allow, and the types of its applications in Accept', async () => {
    const { request: options } = await (await registered()).options();
    const allowed = options.headers.getAll('Allow');
    for (const method of ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'MESSAGE']) {
      expect(allowed).toContain(method);
    }
    expect(options.headers.getAll('Accept')).toEqual([
      'application/sdp',
      'application/vnd.test.mms.ua',
      'application/vnd.test.wml.ua',
      'message/external-body',
    ]);
  });

  it.each([
    [{ vendor: 'Acme', model: 'M1' }, 'Acme-M1 sip-push/1.0'],
    [{ model: 'M 1 (blue)' }, 'M_1_blue_ sip-push/1.0'],
    [{ vendor: '  ' }, 'sip-push/1.0'],
    [undefined, 'sip-push/1.0'],
  ])('5.1-09: has vendor, model and version in User-Agent: %j', async (profile, product) => {
    const url = 'http://profiles.test/m1.xml';
    const opened = await registered(profile ? { profile: { ...profile, url } } : {});
    expect((await opened.options()).request.headers.get('User-Agent')).toBe(product);
  });

  it('has no push feature tag without an application', async () => {
    const opened = await registered({}, []);
    const options = await opened.options();
    expect(contactOf(options)?.parameters.has('+g.oma.pusheventapp')).toBe(false);
    expect(options.request.headers.has('Accept-Contact')).toBe(false);
  });

  it('is sent once to each configured sender, and not sent without one', async () => {
    const several = await registered({ senders: [PSA, OTHER, PSA] });
    const uris = [await several.options(), await several.options()].map(({ request: { uri } }) => uri);
    expect(uris.sort()).toEqual([OTHER, PSA].sort());
    const none = await registered({ senders: [] });
    await none.occurred('registered');
    await settled(several);
    await settled(none);
    expect(
      [...several.core.requests, ...none.core.requests].map(({ request: { method } }) => method),
    ).toEqual([...['REGISTER', 'OPTIONS', 'OPTIONS'], 'REGISTER']);
  });
});

describe('a change', () => {
  it('5.1-01: of the applications is sent after its registration', async () => {
    const opened = await registered();
    agree(await opened.options(), ['mms.ua']);
    await opened.load('loc.ua');
    await opened.register();
    const loaded = await opened.options();
    expect(contactOf(loaded)?.parameters.get('+g.oma.pusheventapp')).toBe('loc.ua,mms.ua,wml.ua');
    agree(loaded, ['mms.ua']);
    await opened.runtime.unload('wml.ua');
    await opened.register();
    expect((await opened.options()).request.headers.get('Accept-Contact')).toBe(
      '*;+g.oma.pusheventapp="loc.ua,mms.ua"',
    );
  });

  it('during an OPTIONS is sent after its answer, which is ignored', async () => {
    const opened = await registered();
    const first = await opened.options();
    await opened.load('loc.ua');
    await opened.register();
    await opened.occurred('registered', 2);
    await settled(opened);
    expect(opened.core.requests.filter(({ request: { method } }) => method === 'OPTIONS')).toHaveLength(1);
    agree(first, ['mms.ua']);
    const second = await opened.options();
    expect(contactOf(second)?.parameters.get('+g.oma.pusheventapp')).toBe('loc.ua,mms.ua,wml.ua');
    agree(second, ['loc.ua']);
    await opened.occurred('negotiated');
    expect(opened.of('negotiated').map(({ apps }) => apps)).toEqual([['loc.ua']]);
  });

  it('of the connection is a new registration, after which the OPTIONS is sent again', async () => {
    const opened = await registered();
    agree(await opened.options(), ['mms.ua']);
    await opened.occurred('negotiated');
    opened.core.hangUp();
    await opened.register();
    agree(await opened.options(), ['mms.ua']);
    await opened.occurred('negotiated', 2);
  });
});

describe('the answer', () => {
  it('5.1-13, 5.1-14: is stored and reported: the applications in Contact, the methods in Allow', async () => {
    const opened = await registered();
    agree(await opened.options(), ['mms.ua'], 'INVITE, message, MESSAGE');
    expect(await opened.occurred('negotiated')).toEqual([
      { event: 'negotiated', sender: PSA, apps: ['mms.ua'], methods: ['INVITE', 'MESSAGE'] },
    ]);
    expect([...opened.agent.senders]).toEqual([[PSA, { apps: ['mms.ua'], methods: ['INVITE', 'MESSAGE'] }]]);
  });

  it.each<[title: string, headers: [string, string][], apps: string[]]>([
    [
      'the prefix of WAP',
      [['Contact', `<${PSA}>;+g.oma.pusheventapp="x-wap-application:mms.ua"`]],
      ['mms.ua'],
    ],
    [
      'spaces in the list',
      [['Contact', `<${PSA}>;+g.oma.pusheventapp="mms.ua , wml.ua,mms.ua"`]],
      ['mms.ua', 'wml.ua'],
    ],
    [
      'Accept-Contact, as in the specification',
      [['Accept-Contact', '*;+g.oma.pusheventapp="wml.ua"']],
      ['wml.ua'],
    ],
    [
      'Contact takes precedence over Accept-Contact',
      [
        ['Contact', `<${PSA}>;+g.oma.pusheventapp="mms.ua"`],
        ['Accept-Contact', '*;+g.oma.pusheventapp="wml.ua"'],
      ],
      ['mms.ua'],
    ],
    ['without the tag, no application', [['Contact', `<${PSA}>`]], []],
    ['without Contact, no application', [], []],
    ['with an invalid Contact, no application', [['Contact', '<sip:']], []],
  ])('5.1-13: %s', async (_, headers, apps) => {
    const opened = await registered();
    (await opened.options()).respond(200, headers);
    expect((await opened.occurred('negotiated'))[0]).toMatchObject({ apps, methods: [] });
  });

  it('5.1-13: is stored up to a limit', async () => {
    const opened = await registered();
    const names = Array.from({ length: 400 }, (_, at) => `a${at}`);
    agree(await opened.options(), names, names.join(','));
    const [event] = await opened.occurred('negotiated');
    expect(event?.apps).toHaveLength(256);
    expect(event?.methods).toHaveLength(256);
  });

  it('5.1-13: is passed to each application: whether the sender pushes for it', async () => {
    const opened = await registered();
    agree(await opened.options(), ['mms.ua']);
    await opened.occurred('negotiated');
    await until(() =>
      expect(opened.notifications).toEqual([
        { app: 'mms.ua', uri: PSA, supported: true },
        { app: 'wml.ua', uri: PSA, supported: false },
      ]),
    );
  });

  it('reaches other applications if one throws', async () => {
    const opened = await registered();
    const bad = (id: string, negotiated: () => Promise<void>) => ({
      ...recordingApp(id, []),
      start: () => ({ receive() {}, negotiated }),
    });
    agree(await opened.options(), []);
    await opened.runtime.load(
      bad('bad.ua', () => {
        throw new Error('no use');
      }),
    );
    await opened.register();
    agree(await opened.options(), ['wml.ua']);
    await until(() => expect(opened.logged).toContain('negotiated() failed: no use'));
    expect(opened.notifications.at(-1)).toEqual({ app: 'wml.ua', uri: PSA, supported: true });
  });
});

describe('an unavailable sender', () => {
  it('receives OPTIONS with increasing delays of up to half an hour', async () => {
    const opened = await registered();
    const first = await opened.options();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.spyOn(Math, 'random').mockReturnValue(1);
    first.respond(480);
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 11; attempt++) {
      await until(() => expect(opened.of('negotiation-failed')).toHaveLength(attempt));
      const failure = opened.of('negotiation-failed').at(-1);
      expect(failure).toMatchObject({ sender: PSA, status: 480, reason: expect.any(String) });
      waits.push(failure?.retryInSeconds ?? 0);
      await vi.advanceTimersByTimeAsync((failure?.retryInSeconds ?? 0) * 1000);
      (await opened.options()).respond(480);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]);
    vi.restoreAllMocks();
  });

  it('receives OPTIONS after its Retry-After; an answer resets the delay', async () => {
    const opened = await registered();
    (await opened.options()).respond(480, [['Retry-After', '120']]);
    expect((await opened.occurred('negotiation-failed'))[0]?.retryInSeconds).toBe(120);
    await opened.load('loc.ua');
    await opened.register();
    agree(await opened.options(), ['mms.ua']);
    await opened.occurred('negotiated');
    await opened.runtime.unload('loc.ua');
    await opened.register();
    (await opened.options()).respond(500);
    const failures = await opened.occurred('negotiation-failed', 2);
    expect(failures[1]?.retryInSeconds).toBeLessThanOrEqual(5);
  });

  it.each([403, 404, 405, 501, 603])('receives OPTIONS again after %i', async (status) => {
    const opened = await registered();
    (await opened.options()).respond(status);
    expect((await opened.occurred('negotiation-failed'))[0]).toMatchObject({
      status,
      retryInSeconds: expect.any(Number),
    });
    expect(opened.agent.senders.size).toBe(0);
  });

  it('delays no push and no other sender', async () => {
    const opened = await registered({ senders: [PSA, OTHER] });
    const [one, other] = [await opened.options(), await opened.options()];
    const answered = one.request.uri === OTHER ? one : other;
    agree(answered, ['mms.ua']);
    await opened.occurred('negotiated');
    const answer = await opened.core.exchange(
      request(
        'MESSAGE',
        BOB,
        [
          'Accept-Contact: *;+g.oma.pusheventapp="mms.ua";require;explicit',
          `P-Asserted-Identity: <${PSA}>`,
          'Content-Type: application/vnd.test.mms.ua',
        ],
        'push',
      ),
    );
    expect(answer.status).toBe(200);
  });

  it('receives OPTIONS after the next registration if the connection is lost', async () => {
    const opened = await registered();
    await opened.options();
    opened.core.hangUp();
    const [failure] = await opened.occurred('negotiation-failed');
    expect(failure?.status).toBeUndefined();
    expect(failure?.retryInSeconds).toBeUndefined();
    await opened.register();
    agree(await opened.options(), ['mms.ua']);
    await opened.occurred('negotiated');
  });
});

describe('stop', () => {
  it('ends requests and retries without an event', async () => {
    const opened = await registered({ senders: [PSA, OTHER] });
    const [one] = [await opened.options(), await opened.options()];
    one.respond(480);
    await opened.occurred('negotiation-failed');
    const before = opened.events.length;
    opened.core.autoAnswered.add('REGISTER');
    await opened.agent.stop();
    expect(opened.events.slice(before)).toEqual([]);
    expect(opened.core.requests.at(-1)?.request.method).toBe('REGISTER');
  });
});
