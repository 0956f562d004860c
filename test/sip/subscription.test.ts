/** Subscriptions of a user agent (RFC 6665 §4.1), with a scripted notifier. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { LimitError, MalformedError, TransportError } from '../../core/errors.js';
import type { SipRequest, SipResponse } from '../../core/sip/message/message.js';
import { tagOf } from '../../core/sip/session/dialog.js';
import type { Subscription, SubscriptionHandlers } from '../../core/sip/subscription/subscription.js';
import type { NotifiedState, SubscriptionStatus } from '../../core/sip/subscription/subscription-state.js';
import type { SubscribeOptions } from '../../core/sip/subscription/subscription-usage.js';
import { Subscriptions } from '../../core/sip/subscription/subscriptions.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SipUserAgent } from '../../core/sip/user-agent.js';
import { request } from '../support/sip/requests.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const TYPE = 'application/reginfo+xml';
const DEFAULTS: SubscribeOptions = {
  uri: 'sip:bob@domain.test',
  event: 'reg',
  accept: [TYPE],
  expires: 3600,
};

interface Watched {
  core: ScriptedCore;
  agent: SipUserAgent;
  bodies: string[];
  notified: NotifiedState[];
  states: SubscriptionStatus[];
  subscribe(options?: Partial<SubscribeOptions>, handlers?: Partial<SubscriptionHandlers>): Subscription;
}

async function watching(transport: 'udp' | 'tcp' = 'udp'): Promise<Watched> {
  const core = await ScriptedCore[transport]();
  closing.push(() => core.close());
  const agent = new SipUserAgent({
    identity: 'sip:psa@domain.test',
    servers: [core.uri],
    product: 'test/1',
    credentials: { username: 'psa', password: 'psa' },
    methods: ['MESSAGE'],
    accept: () => [],
    onRequest: () => {},
  });
  closing.push(() => {
    core.autoAnswered.add('SUBSCRIBE');
    return agent.stop();
  });
  await agent.start();
  const greeting = agent.request({ method: 'OPTIONS', uri: 'sip:domain.test' });
  (await core.request('OPTIONS')).respond(200);
  await greeting;
  const watched = { core, agent, bodies: [] as string[], notified: [] as NotifiedState[] };
  const states: SubscriptionStatus[] = [];
  return {
    ...watched,
    states,
    subscribe: (options, handlers) =>
      agent.subscribe(
        { ...DEFAULTS, ...options },
        {
          onNotify: (body, _, state) => {
            watched.bodies.push(new TextDecoder().decode(body));
            watched.notified.push(state);
          },
          onState: (status) => states.push(status),
          ...handlers,
        },
      ),
  };
}

interface NotifyOptions {
  state?: string;
  cseq?: number;
  tag?: string;
  headers?: string[];
  body?: string;
  event?: string;
  contact?: string;
}

/** A NOTIFY of the notifier that received this SUBSCRIBE. */
function notify({ request: { headers } }: Received, options: NotifyOptions = {}): SipRequest {
  const { state = 'active;expires=3600', cseq = 1, tag = 'notifier', body = '', event = 'reg' } = options;
  const made = request(
    'NOTIFY',
    'sip:psa@domain.test',
    [
      `Event: ${event}`,
      `Subscription-State: ${state}`,
      `Contact: ${options.contact ?? '<sip:registrar@127.0.0.1:5060>'}`,
      ...(body === '' ? [] : [`Content-Type: ${TYPE}`]),
      ...(options.headers ?? []),
    ],
    body,
  );
  made.headers
    .set('Call-ID', headers.get('Call-ID') ?? '')
    .set('From', `<sip:bob@domain.test>;tag=${tag}`)
    .set('To', headers.get('From') ?? '')
    .set('CSeq', `${cseq} NOTIFY`);
  return made;
}

/** Sends a NOTIFY, and returns its response. */
async function exchange(core: ScriptedCore, notification: SipRequest): Promise<SipResponse> {
  const branch = (message: SipRequest | SipResponse) =>
    /branch=(\w+)/.exec(message.headers.get('Via') ?? '')?.[1];
  core.send(notification);
  return await until(() => {
    const found = core.responses.find(
      (response) => response.status >= 200 && branch(response) === branch(notification),
    );
    if (!found) throw new Error('not answered');
    return found;
  });
}

const header = ({ request }: Received, name: string) => request.headers.get(name);
const isDialog = (one: Received, other: Received) => header(one, 'Call-ID') === header(other, 'Call-ID');

/** A subscription whose SUBSCRIBE was accepted and whose first NOTIFY arrived. */
async function established(watched: Watched, options: NotifyOptions = {}) {
  const subscription = watched.subscribe();
  const first = await watched.core.request('SUBSCRIBE');
  first.respond(200, [['Expires', '3600']]);
  expect((await exchange(watched.core, notify(first, options))).status).toBe(200);
  return { subscription, first };
}

/** With the longest random delays. */
function fakeTime() {
  vi.spyOn(Math, 'random').mockReturnValue(1);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
}

describe('SUBSCRIBE (RFC 6665 4.1.2)', () => {
  it('B.1.2: requests the event package, and accepts its NOTIFYs', async () => {
    const watched = await watching();
    watched.subscribe({ headers: [['P-Preferred-Identity', '<sip:psa@domain.test>']] });
    const sent = await watched.core.request('SUBSCRIBE');
    expect(sent.request.uri).toBe('sip:bob@domain.test');
    expect(header(sent, 'To')).toBe('<sip:bob@domain.test>');
    expect(header(sent, 'From')).toMatch(/^<sip:psa@domain.test>;tag=/);
    expect(header(sent, 'Event')).toBe('reg');
    expect(header(sent, 'Accept')).toBe(TYPE);
    expect(header(sent, 'Expires')).toBe('3600');
    expect(header(sent, 'P-Preferred-Identity')).toBe('<sip:psa@domain.test>');
    expect(sent.request.headers.getAll('Allow').join()).toContain('NOTIFY');
    expect(header(sent, 'Contact')).toMatch(/^<sip:\w+@127.0.0.1:\d+;transport=udp>$/);
    sent.respond(200, [['Expires', '3600']]);
    const answer = await exchange(watched.core, notify(sent, { body: 'one' }));
    expect(answer.status).toBe(200);
    expect(watched.bodies).toEqual(['one']);
    expect(watched.states).toEqual([{ state: 'active', expires: 3600 }]);
    await exchange(watched.core, notify(sent, { body: 'two', cseq: 2, state: 'pending;expires=60' }));
    expect(watched.notified[1]).toEqual({ state: 'pending', expires: 60 });
  });

  it('answers a challenge', async () => {
    const watched = await watching();
    watched.subscribe();
    const first = await watched.core.request('SUBSCRIBE');
    first.respond(401, [['WWW-Authenticate', 'Digest realm="r", nonce="n", qop="auth"']]);
    const second = await watched.core.request('SUBSCRIBE');
    expect(header(second, 'Authorization')).toContain('username="psa"');
    expect([header(first, 'CSeq'), header(second, 'CSeq')]).toEqual(['1 SUBSCRIBE', '2 SUBSCRIBE']);
    expect(isDialog(first, second)).toBe(true);
  });

  it('starts with a NOTIFY before the 2xx', async () => {
    const watched = await watching();
    watched.subscribe();
    const sent = await watched.core.request('SUBSCRIBE');
    expect((await exchange(watched.core, notify(sent, { body: 'early' }))).status).toBe(200);
    sent.respond(200, [['Expires', '3600']]);
    expect(watched.bodies).toEqual(['early']);
    expect(watched.states).toEqual([{ state: 'active', expires: 3600 }]);
  });

  it.each([403, 404, 489, 603])('%i is final', async (status) => {
    const watched = await watching();
    const subscription = watched.subscribe();
    const sent = await watched.core.request('SUBSCRIBE');
    sent.respond(status);
    await until(() => expect(watched.states).toMatchObject([{ state: 'ended', status }]));
    expect(subscription.ended).toBe(true);
    expect((await exchange(watched.core, notify(sent))).status).toBe(481);
  });

  it('423: requests a longer duration at once', async () => {
    const watched = await watching();
    watched.subscribe({ expires: 30 });
    (await watched.core.request('SUBSCRIBE')).respond(423, [['Min-Expires', '90']]);
    const second = await watched.core.request('SUBSCRIBE');
    expect(header(second, 'Expires')).toBe('90');
  });

  it('treats repeated 423 as a refusal', async () => {
    const watched = await watching();
    watched.subscribe({ expires: 30 });
    for (const least of [40, 50, 60, 70]) {
      (await watched.core.request('SUBSCRIBE')).respond(423, [['Min-Expires', String(least)]]);
    }
    await until(() => expect(watched.states).toMatchObject([{ state: 'lost', status: 423 }]));
  });

  it.each([
    [500, [], 2.5, 5],
    [503, [['Retry-After', '7']], 7, 7],
    [404, [['Retry-After', '120']], 120, 120],
    [480, [['Retry-After', '0']], 2.5, 5],
    [486, [['Retry-After', '99999999999']], 86_400, 86_400],
  ] as [number, [string, string][], number, number][])(
    '%i %j is retried after a delay',
    async (status, headers, least, most) => {
      const watched = await watching();
      watched.subscribe();
      const first = await watched.core.request('SUBSCRIBE');
      fakeTime();
      first.respond(status, headers);
      await until(() => expect(watched.states).toMatchObject([{ state: 'lost', status }]));
      const [lost] = watched.states;
      const wait = lost?.state === 'lost' ? lost.retryInSeconds : 0;
      expect(wait).toBeGreaterThanOrEqual(least);
      expect(wait).toBeLessThanOrEqual(most);
      await vi.advanceTimersByTimeAsync(wait * 1000);
      vi.useRealTimers();
      const second = await watched.core.request('SUBSCRIBE');
      expect(isDialog(first, second)).toBe(false);
    },
  );

  it('waits longer with each failure, up to ten minutes', async () => {
    const watched = await watching();
    watched.subscribe();
    fakeTime();
    const waits: number[] = [];
    for (let failure = 0; failure < 9; failure++) {
      (await watched.core.request('SUBSCRIBE')).respond(500);
      await until(() => expect(watched.states).toHaveLength(failure + 1));
      const lost = watched.states.at(-1);
      const wait = lost?.state === 'lost' ? lost.retryInSeconds : 0;
      waits.push(wait);
      await vi.advanceTimersByTimeAsync(wait * 1000);
    }
    waits.forEach((wait, index) => {
      const whole = Math.min(5 * 2 ** index, 600);
      expect(wait).toBeGreaterThanOrEqual(whole / 2);
      expect(wait).toBeLessThanOrEqual(whole);
    });
  });

  it('Timer N: subscribes again if no NOTIFY follows', async () => {
    const watched = await watching();
    watched.subscribe();
    fakeTime();
    const sent = await watched.core.request('SUBSCRIBE');
    sent.respond(202);
    await until(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    await vi.advanceTimersByTimeAsync(40_000);
    await until(() => expect(watched.states[0]).toMatchObject({ state: 'lost' }));
    vi.useRealTimers();
    expect((await exchange(watched.core, notify(sent))).status).toBe(481);
  });
});

describe('NOTIFY (RFC 6665 4.1.3)', () => {
  it('of no subscription, of another event, and of another branch of a fork: 481', async () => {
    const watched = await watching();
    const { first } = await established(watched);
    const stray = notify(first);
    stray.headers.set('Call-ID', 'other');
    expect((await exchange(watched.core, stray)).status).toBe(481);
    const { agent, core } = watched;
    expect((await exchange(core, notify(first, { event: 'presence', cseq: 2 }))).status).toBe(481);
    expect((await exchange(core, notify(first, { tag: 'other', cseq: 2 }))).status).toBe(481);
    const untagged = notify(first, { cseq: 2 });
    untagged.headers.set('To', '<sip:psa@domain.test>');
    expect((await exchange(core, untagged)).status).toBe(481);
    expect(watched.notified).toHaveLength(1);
    expect(agent.contact).toContain('127.0.0.1');
  });

  it('out of order: answers 500 and ignores its content', async () => {
    const watched = await watching();
    const { first } = await established(watched, { cseq: 7, body: 'seven' });
    expect((await exchange(watched.core, notify(first, { cseq: 6, body: 'six' }))).status).toBe(500);
    expect((await exchange(watched.core, notify(first, { cseq: 8, body: 'eight' }))).status).toBe(200);
    expect(watched.bodies).toEqual(['seven', 'eight']);
  });

  it.each([
    ['no state', { state: '' }, 400],
    ['an unknown state', { state: 'asleep' }, 400],
    ['a state with invalid parameters', { state: 'active;;=' }, 400],
    ['no address of the notifier', { contact: '<mailto:a@b>' }, 400],
    ['a type that was not requested, and no body', { headers: ['Content-Type: text/plain'], body: '' }, 200],
  ] as [string, NotifyOptions, number][])('with %s: %s', async (_, options, status) => {
    const watched = await watching();
    watched.subscribe();
    const sent = await watched.core.request('SUBSCRIBE');
    sent.respond(200);
    expect((await exchange(watched.core, notify(sent, options))).status).toBe(status);
  });

  it('with a body of another type: answers 415 with Accept', async () => {
    const watched = await watching();
    watched.subscribe();
    const sent = await watched.core.request('SUBSCRIBE');
    const other = notify(sent, { body: '{}' });
    other.headers.set('Content-Type', 'application/json');
    const answer = await exchange(watched.core, other);
    expect([answer.status, answer.headers.get('Accept')]).toEqual([415, TYPE]);
    expect(watched.bodies).toEqual([]);
  });

  it('that its handler rejects: answers 400, and the subscription continues', async () => {
    const watched = await watching();
    const bodies: string[] = [];
    watched.subscribe(
      {},
      {
        onNotify: (body) => {
          bodies.push(new TextDecoder().decode(body));
          if (bodies.length === 1) throw new MalformedError('unreadable');
        },
      },
    );
    const sent = await watched.core.request('SUBSCRIBE');
    sent.respond(200);
    expect((await exchange(watched.core, notify(sent, { body: '<' }))).status).toBe(400);
    expect((await exchange(watched.core, notify(sent, { body: 'x', cseq: 2 }))).status).toBe(200);
    expect(bodies).toEqual(['<', 'x']);
  });

  it.each(['rejected', 'noresource', 'invariant'])('terminated;reason=%s is final', async (reason) => {
    const watched = await watching();
    const { first, subscription } = await established(watched);
    const last = notify(first, { cseq: 2, state: `terminated;reason=${reason}`, body: 'last' });
    expect((await exchange(watched.core, last)).status).toBe(200);
    expect(watched.bodies.at(-1)).toBe('last');
    expect(watched.states.at(-1)).toMatchObject({ state: 'ended' });
    expect(subscription.ended).toBe(true);
  });

  it.each([
    ['timeout', 0],
    ['deactivated', 0],
    ['giveup', 0],
    ['giveup;retry-after=40', 40],
    ['probation;retry-after=20', 20],
    ['strange;retry-after=30', 30],
  ])('terminated;reason=%s: subscribes again after %i s', async (reason, seconds) => {
    const watched = await watching();
    fakeTime();
    const { first } = await established(watched);
    await vi.advanceTimersByTimeAsync(31_000);
    await exchange(watched.core, notify(first, { cseq: 2, state: `terminated;reason=${reason}` }));
    expect(watched.states.at(-1)).toMatchObject({ state: 'lost', retryInSeconds: seconds });
    if (seconds > 0) {
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 100);
      expect(subscribes(watched.core)).toHaveLength(1);
    }
    await vi.advanceTimersByTimeAsync(100);
    const second = await watched.core.request('SUBSCRIBE');
    expect(isDialog(first, second)).toBe(false);
    expect(tagOf(header(second, 'To') ?? '')).toBe('');
  });

  it('waits before it subscribes again to a notifier that ends each subscription at once', async () => {
    const watched = await watching();
    const { first } = await established(watched);
    await exchange(watched.core, notify(first, { cseq: 2, state: 'terminated;reason=deactivated' }));
    const lost = watched.states.at(-1);
    expect(lost?.state === 'lost' && lost.retryInSeconds).toBeGreaterThanOrEqual(2.5);
  });
});

describe('refresh (RFC 6665 4.1.2.2)', () => {
  it('is sent within the dialog, before the subscription expires', async () => {
    const watched = await watching();
    const { port } = parseEndpoint(watched.core.uri);
    fakeTime();
    const { first } = await established(watched, {
      state: 'active;expires=600',
      contact: '<sip:registrar@127.0.0.1:5070>',
      headers: [`Record-Route: <sip:edge@127.0.0.1:${port};lr>`],
    });
    await vi.advanceTimersByTimeAsync(300_000);
    const refresh = await watched.core.request('SUBSCRIBE');
    expect(isDialog(first, refresh)).toBe(true);
    expect(refresh.request.uri).toBe('sip:registrar@127.0.0.1:5070');
    expect(refresh.request.headers.getAll('Route')).toEqual([`<sip:edge@127.0.0.1:${port};lr>`]);
    expect(tagOf(header(refresh, 'To') ?? '')).toBe('notifier');
    expect([header(refresh, 'CSeq'), header(refresh, 'Expires')]).toEqual(['2 SUBSCRIBE', '3600']);
    refresh.respond(200, [['Expires', '3600']]);
    await exchange(watched.core, notify(first, { cseq: 2 }));
    await vi.advanceTimersByTimeAsync(2_999_000);
    expect(subscribes(watched.core)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    (await watched.core.request('SUBSCRIBE')).respond(200);
  });

  it('481: subscribes again in another dialog', async () => {
    const watched = await watching();
    fakeTime();
    const { first } = await established(watched);
    await vi.advanceTimersByTimeAsync(3_000_000);
    (await watched.core.request('SUBSCRIBE')).respond(481);
    await until(() => expect(watched.states.at(-1)).toMatchObject({ state: 'lost', status: 481 }));
    await vi.advanceTimersByTimeAsync(0);
    const second = await watched.core.request('SUBSCRIBE');
    expect(isDialog(first, second)).toBe(false);
    second.respond(200);
    expect((await exchange(watched.core, notify(first, { cseq: 2 }))).status).toBe(481);
    expect((await exchange(watched.core, notify(second, { body: 'second' }))).status).toBe(200);
    expect(watched.bodies.at(-1)).toBe('second');
  });

  it('retries after any other failure while the subscription lasts, then subscribes again', async () => {
    const watched = await watching();
    fakeTime();
    const { first } = await established(watched, { state: 'active;expires=100' });
    await vi.advanceTimersByTimeAsync(50_000);
    (await watched.core.request('SUBSCRIBE')).respond(500, [['Retry-After', '20']]);
    await exchange(watched.core, notify(first, { cseq: 2, state: 'active', body: 'still' }));
    expect(watched.bodies.at(-1)).toBe('still');
    await vi.advanceTimersByTimeAsync(19_000);
    expect(subscribes(watched.core)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    const again = await watched.core.request('SUBSCRIBE');
    expect(isDialog(first, again)).toBe(true);
    again.respond(500, [['Retry-After', '1000']]);
    await exchange(watched.core, notify(first, { cseq: 3, state: 'active' }));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(watched.states.at(-1)).toMatchObject({ state: 'lost', retryInSeconds: 5 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(isDialog(first, await watched.core.request('SUBSCRIBE'))).toBe(false);
  });

  it('Timer N: subscribes again if no NOTIFY follows a refresh', async () => {
    const watched = await watching();
    fakeTime();
    await established(watched);
    await vi.advanceTimersByTimeAsync(3_000_000);
    (await watched.core.request('SUBSCRIBE')).respond(200);
    await exchange(watched.core, request('NOTIFY', 'sip:psa@domain.test', ['Event: reg']));
    await vi.advanceTimersByTimeAsync(32_000);
    expect(watched.states.at(-1)).toMatchObject({ state: 'lost', reason: expect.stringContaining('NOTIFY') });
  });

  it('is sent once if its caller requests it twice', async () => {
    const watched = await watching();
    const { subscription } = await established(watched);
    subscription.refresh();
    const refresh = await watched.core.request('SUBSCRIBE');
    subscription.refresh();
    subscription.refresh();
    refresh.respond(200);
    const second = await watched.core.request('SUBSCRIBE');
    expect([header(refresh, 'CSeq'), header(second, 'CSeq')]).toEqual(['2 SUBSCRIBE', '3 SUBSCRIBE']);
    second.respond(200);
  });

  it('is sent on a new connection, with the new address', async () => {
    const watched = await watching('tcp');
    const { first } = await established(watched);
    watched.core.hangUp();
    const refresh = await watched.core.request('SUBSCRIBE');
    expect(isDialog(first, refresh)).toBe(true);
    expect(header(refresh, 'Contact')).not.toBe(header(first, 'Contact'));
    refresh.respond(200);
  });
});

describe('the end', () => {
  it('close: unsubscribes, and answers the last NOTIFY', async () => {
    const watched = await watching();
    const { subscription, first } = await established(watched);
    const closed = subscription.close();
    const last = await watched.core.request('SUBSCRIBE');
    expect([header(last, 'Expires'), isDialog(first, last)]).toEqual(['0', true]);
    last.respond(200, [['Expires', '0']]);
    await closed;
    const answer = await exchange(
      watched.core,
      notify(first, { cseq: 2, state: 'terminated;reason=timeout' }),
    );
    expect(answer.status).toBe(200);
    expect(watched.notified).toHaveLength(1);
    expect((await exchange(watched.core, notify(first, { cseq: 3 }))).status).toBe(481);
  });

  it('close before any NOTIFY: the first is answered 481', async () => {
    const watched = await watching();
    const subscription = watched.subscribe();
    const sent = await watched.core.request('SUBSCRIBE');
    await subscription.close();
    sent.respond(200);
    expect((await exchange(watched.core, notify(sent))).status).toBe(481);
  });

  it('close during a refresh: unsubscribes after it', async () => {
    const watched = await watching();
    const { subscription } = await established(watched);
    subscription.refresh();
    const refresh = await watched.core.request('SUBSCRIBE');
    const closed = subscription.close();
    refresh.respond(200);
    const last = await watched.core.request('SUBSCRIBE');
    expect(header(last, 'Expires')).toBe('0');
    last.respond(481);
    await closed;
  });

  it('close can be called in the handler of a NOTIFY', async () => {
    const watched = await watching();
    let ended: Promise<void> | undefined;
    const subscription: Subscription = watched.subscribe(
      {},
      { onNotify: () => (ended = subscription.close()) },
    );
    const sent = await watched.core.request('SUBSCRIBE');
    sent.respond(200);
    expect((await exchange(watched.core, notify(sent))).status).toBe(200);
    const last = await watched.core.request('SUBSCRIBE');
    expect(header(last, 'Expires')).toBe('0');
    last.respond(200);
    await ended;
  });

  it('ends every subscription when the agent stops, and leaves no timer', async () => {
    const watched = await watching();
    await established(watched);
    watched.subscribe({ uri: 'sip:carol@domain.test' });
    await watched.core.request('SUBSCRIBE');
    watched.core.autoAnswered.add('SUBSCRIBE');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const before = vi.getTimerCount();
    await watched.agent.stop();
    expect(vi.getTimerCount()).toBe(before);
    vi.useRealTimers();
    const ends = watched.core.requests.filter(
      (received) => received.request.method === 'SUBSCRIBE' && header(received, 'Expires') === '0',
    );
    expect(ends).toHaveLength(1);
    expect(() => watched.subscribe()).toThrow(TransportError);
  });
});

it('sends a limited number of a thousand SUBSCRIBEs at a time', async () => {
  const watched = await watching('tcp');
  for (let user = 0; user < 200; user++) watched.subscribe({ uri: `sip:u${user}@domain.test` });
  await until(() => expect(subscribes(watched.core)).toHaveLength(50));
  watched.core.autoAnswered.add('SUBSCRIBE');
  for (const received of subscribes(watched.core)) received.respond(200);
  await until(() => expect(subscribes(watched.core)).toHaveLength(200));
});

it('limits the number of subscriptions', async () => {
  const unanswered = new Promise<never>(() => {});
  const subscriptions = new Subscriptions(
    {
      compose: async (uri) => request('SUBSCRIBE', uri),
      send: () => unanswered,
      allow: () => 'NOTIFY',
      product: 'test/1',
    },
    { subscriptions: 100 },
  );
  const options = { uri: 'sip:bob@domain.test', event: 'reg', accept: [TYPE], expires: 3600 };
  const subscribe = () => subscriptions.add(options, { onNotify: () => {} });
  const many = Array.from({ length: 100 }, subscribe);
  expect(subscribe).toThrow(LimitError);
  await many[0]?.close();
  expect(subscribe().ended).toBe(false);
  expect(subscribe).toThrow(LimitError);
});

function subscribes({ requests }: ScriptedCore): Received[] {
  return requests.filter(({ request: { method } }) => method === 'SUBSCRIBE');
}
