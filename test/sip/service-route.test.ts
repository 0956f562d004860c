/** Further headers of the response to REGISTER, and their use in later requests (RFC 3608, RFC 7315, TS E.1.1). */

import { afterEach, describe, expect, it } from 'vitest';
import type { InviteSession } from '../../core/sip/session/invite-session.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { calledIdentity } from '../../core/sip/values/asserted-identity.js';
import { request } from '../support/sip/requests.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const ROUTE = ['<sip:orig@scscf1.home1.test;lr>', '<sip:hsp.example.test;lr>'];

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function registering(more: Partial<SipUserAgentOptions> = {}) {
  const core = await ScriptedCore.tcp();
  closing.push(() => core.close());
  const agent = new SipUserAgent({
    identity: 'sip:bob@domain.test',
    servers: [core.uri],
    product: 'test/1',
    methods: ['MESSAGE', 'INVITE'],
    accept: () => [],
    onRequest: () => {},
    registration: {
      instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      expires: 600,
      headers: [],
      features: () => [],
    },
    ...more,
  });
  closing.push(async () => {
    for (const method of ['REGISTER', 'BYE', 'SUBSCRIBE']) core.autoAnswered.add(method);
    for (const method of core.autoAnswered) for (const { respond } of core.unanswered(method)) respond(200);
    await agent.stop();
  });
  await agent.start();
  return { core, agent };
}

async function grant({ core, agent }: Awaited<ReturnType<typeof registering>>, headers: [string, string][]) {
  const before = agent.registration?.state;
  const register = await core.request('REGISTER');
  register.respond(200, [['Contact', register.request.headers.get('Contact') ?? ''], ...headers]);
  await until(() => expect(agent.registration?.state).not.toBe(before));
  return register;
}

const routeOf = ({ request: sent }: Received) => sent.headers.getAll('Route');

async function message({ core, agent }: Awaited<ReturnType<typeof registering>>): Promise<Received> {
  const answer = agent.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
  const received = await core.request('MESSAGE');
  received.respond(200);
  await answer;
  return received;
}

describe('Service-Route', () => {
  it('E.1.1-UE: is the route of later requests, in order, and of no REGISTER', async () => {
    const scene = await registering();
    await grant(scene, [['Service-Route', ROUTE.join(', ')]]);
    expect(routeOf(await message(scene))).toEqual(ROUTE);
    scene.agent.registration?.update();
    expect(routeOf(await grant(scene, [['Service-Route', ROUTE.join(', ')]]))).toEqual([]);
  });

  it('is the route of an INVITE and of a SUBSCRIBE; a dialog has a route of its own', async () => {
    const scene = await registering();
    const { core, agent } = scene;
    await grant(scene, [['Service-Route', ROUTE.join(', ')]]);
    const subscription = agent.subscribe(
      { uri: 'sip:alice@domain.test', event: 'reg', accept: [], expires: 60 },
      { onNotify: () => {}, onState: () => {} },
    );
    const subscribe = await core.request('SUBSCRIBE');
    expect(routeOf(subscribe)).toEqual(ROUTE);
    subscribe.respond(403);
    void subscription.close();
    const answer = agent.invite({ uri: 'sip:alice@domain.test' });
    const invite = await core.request('INVITE');
    expect(routeOf(invite)).toEqual(ROUTE);
    invite.respond(200, [
      ['Contact', '<sip:alice@127.0.0.1:9>'],
      ['Record-Route', '<sip:pcscf.test;lr>'],
    ]);
    expect(routeOf(await core.request('ACK'))).toEqual(['<sip:pcscf.test;lr>']);
    await answer;
    core.autoAnswered.add('BYE');
  });

  it('E.1.1-PCSCF: follows the outbound proxy, which is a server with lr', async () => {
    const core = await ScriptedCore.tcp();
    closing.push(() => core.close());
    const server = `${core.uri};lr`;
    const { agent } = await registering({ servers: [server] });
    const scene = { core, agent };
    expect(routeOf(await grant(scene, [['Service-Route', ROUTE.join(', ')]]))).toEqual([]);
    expect(routeOf(await message(scene))).toEqual([`<${server}>`, ...ROUTE]);
    agent.registration?.update();
    await grant(scene, []);
    expect(routeOf(await message(scene))).toEqual([`<${server}>`]);
    core.autoAnswered.add('REGISTER');
  });

  it('RFC 3261 12.2.1.1: begins with a strict router: that is the Request-URI, and the target is the last Route', async () => {
    const scene = await registering();
    await grant(scene, [['Service-Route', '<sip:strict.test>, <sip:hsp.example.test;lr>']]);
    const sent = await message(scene);
    expect(sent.request.uri).toBe('sip:strict.test');
    expect(routeOf(sent)).toEqual(['<sip:hsp.example.test;lr>', '<sip:alice@domain.test>']);
    expect(sent.request.headers.get('To')).toBe('<sip:alice@domain.test>');
  });

  it('each response replaces it; a response without it removes it', async () => {
    const scene = await registering();
    await grant(scene, [['Service-Route', ROUTE.join(', ')]]);
    scene.agent.registration?.update();
    await grant(scene, [['Service-Route', '<sip:scscf2.home1.test;lr>']]);
    expect(routeOf(await message(scene))).toEqual(['<sip:scscf2.home1.test;lr>']);
    scene.agent.registration?.update();
    await grant(scene, []);
    expect(routeOf(await message(scene))).toEqual([]);
  });

  it.each([
    ['cannot be read', '<sip:a.test;lr>, <sip:'],
    ['is not a SIP URI', '<tel:+1>'],
    ['has too many entries', Array.from({ length: 21 }, (_, at) => `<sip:proxy${at}.test;lr>`).join(', ')],
  ])('ignores a route that %s', async (_, value) => {
    const scene = await registering();
    await grant(scene, [['Service-Route', value]]);
    expect(routeOf(await message(scene))).toEqual([]);
  });
});

describe('P-Associated-URI', () => {
  it('RFC 7315 4.1: is exposed with the default identity first and without malformed values', async () => {
    const scene = await registering();
    await grant(scene, [['P-Associated-URI', '<sip:bob@domain.test>, "Bob" <tel:+15550100>;a=b, <sip:']]);
    expect(scene.agent.registration?.state?.associatedUris).toEqual(['sip:bob@domain.test', 'tel:+15550100']);
  });

  it.each([
    ['<sip:bob@domain.test>', 'sip:bob@domain.test'],
    ['<sip:other@domain.test>, <sip:bob@domain.test>', 'sip:bob@domain.test'],
    ['<tel:+15550100>, <sip:public@domain.test>', 'sip:public@domain.test'],
    ['<sip:', 'sip:bob@domain.test'],
  ])('E.1.1-ID: %s: requests are from %s', async (associated, from) => {
    const scene = await registering();
    await grant(scene, [['P-Associated-URI', associated]]);
    expect((await message(scene)).request.headers.from?.uri).toBe(from);
    // A temporary identity remains that of the registration.
    scene.agent.registration?.update();
    expect((await grant(scene, [])).request.headers.from?.uri).toBe('sip:bob@domain.test');
  });

  it('is absent if the core sends none', async () => {
    const scene = await registering();
    await grant(scene, []);
    expect(scene.agent.registration?.state).toEqual({ expires: 600 });
  });
});

describe('P-Access-Network-Info', () => {
  const accessNetworkInfo = '3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=2340305d1e1c';
  const named = ({ request: sent }: Received) => sent.headers.getAll('P-Access-Network-Info');
  const CONTACT: [string, string] = ['Contact', '<sip:alice@127.0.0.1:9>'];

  it('E.1.1-UE: is in each REGISTER and MESSAGE, once, even after a challenge', async () => {
    const credentials = { username: 'bob', password: 'x' };
    const scene = await registering({ accessNetworkInfo, credentials });
    const challenged = await scene.core.request('REGISTER');
    challenged.respond(401, [['WWW-Authenticate', 'Digest realm="domain.test", nonce="n", qop="auth"']]);
    const register = await grant(scene, []);
    const deregistering = async () => {
      scene.agent.registration?.update();
      return await grant(scene, []);
    };
    for (const sent of [challenged, register, await message(scene), await deregistering()]) {
      expect(named(sent)).toEqual([accessNetworkInfo]);
    }
  });

  it('E.1.1-UE: is in INVITE, re-INVITE and BYE, and not in ACK', async () => {
    const scene = await registering({ accessNetworkInfo });
    const { core, agent } = scene;
    await grant(scene, []);
    const sessions: InviteSession[] = [];
    const answer = agent.invite(
      { uri: 'sip:alice@domain.test' },
      { onSession: (session) => sessions.push(session) },
    );
    const invite = await core.request('INVITE');
    invite.respond(200, [CONTACT]);
    await answer;
    const ack = await core.request('ACK');
    const [session] = sessions;
    const again = session?.reinvite(new Uint8Array(0));
    const reinvite = await core.request('INVITE');
    reinvite.respond(200, [CONTACT]);
    await again;
    const secondAck = await core.request('ACK');
    const hangingUp = session?.bye();
    const bye = await core.request('BYE');
    bye.respond(200);
    await hangingUp;
    for (const sent of [invite, reinvite, bye]) expect(named(sent)).toEqual([accessNetworkInfo]);
    for (const sent of [ack, secondAck]) expect(named(sent)).toEqual([]);
  });

  it('E.1.1-UE: is not in the CANCEL of an INVITE, nor in the ACK of its 487', async () => {
    const scene = await registering({ accessNetworkInfo });
    const { core, agent } = scene;
    await grant(scene, []);
    const cancelling = new AbortController();
    const answer = agent.invite({ uri: 'sip:alice@domain.test' }, {}, { signal: cancelling.signal });
    const rejected = expect(answer).rejects.toThrow('cancelled by the caller');
    const invite = await core.request('INVITE');
    invite.respond(180);
    await core.exchange(request('OPTIONS', 'sip:bob@domain.test'));
    cancelling.abort(new Error('cancelled by the caller'));
    const cancel = await core.request('CANCEL');
    cancel.respond(200);
    invite.respond(487);
    const ack = await core.request('ACK');
    await rejected;
    expect(named(invite)).toEqual([accessNetworkInfo]);
    expect(named(cancel)).toEqual([]);
    expect(named(ack)).toEqual([]);
  });

  it('E.1.1-UE: is in each SUBSCRIBE, within its dialog too', async () => {
    const scene = await registering({ accessNetworkInfo });
    const { core, agent } = scene;
    await grant(scene, []);
    const subscription = agent.subscribe(
      { uri: 'sip:alice@domain.test', event: 'reg', accept: [], expires: 600 },
      { onNotify: () => {}, onState: () => {} },
    );
    const first = await core.request('SUBSCRIBE');
    first.respond(200, [CONTACT]);
    const notify = (cseq: number, state: string) => {
      const sent = request('NOTIFY', agent.contact, [
        'Contact: <sip:alice@127.0.0.1:9>',
        'Event: reg',
        `Subscription-State: ${state}`,
      ]);
      sent.headers
        .set('Call-ID', first.request.headers.get('Call-ID') ?? '')
        .set('From', '<sip:alice@domain.test>;tag=notifier')
        .set('To', first.request.headers.get('From') ?? '')
        .set('CSeq', `${cseq} NOTIFY`);
      return core.exchange(sent);
    };
    expect((await notify(1, 'active;expires=600')).status).toBe(200);
    subscription.refresh();
    const refresh = await core.request('SUBSCRIBE');
    expect(refresh.request.uri).toBe('sip:alice@127.0.0.1:9');
    refresh.respond(200);
    const closed = subscription.close();
    const last = await core.request('SUBSCRIBE');
    last.respond(200);
    expect((await notify(2, 'terminated')).status).toBe(200);
    await closed;
    for (const sent of [first, refresh, last]) expect(named(sent)).toEqual([accessNetworkInfo]);
  });

  it('is absent if it is not configured', async () => {
    const scene = await registering();
    const register = await grant(scene, []);
    expect(register.request.headers.has('P-Access-Network-Info')).toBe(false);
    expect(register.request.headers.getAll('Supported')).toContain('path');
  });
});

describe('P-Called-Party-ID', () => {
  it.each([
    ['<sip:bob@domain.test>', 'sip:bob@domain.test'],
    ['"Bob" <sip:bob@domain.test;gr=urn:uuid:f81d4fae>', 'sip:bob@domain.test;gr=urn:uuid:f81d4fae'],
    ['tel:+15550100', 'tel:+15550100'],
    ['<sip:>', 'sip:contact@127.0.0.1'],
    ['"', 'sip:contact@127.0.0.1'],
  ])('RFC 7315 4.2: %s', (value, called) => {
    const message = request('MESSAGE', 'sip:contact@127.0.0.1', [`P-Called-Party-ID: ${value}`]);
    expect(calledIdentity(message)).toBe(called);
  });

  it('defaults to the Request-URI', () => {
    expect(calledIdentity(request('MESSAGE', 'sip:bob@127.0.0.1'))).toBe('sip:bob@127.0.0.1');
  });
});
