/** Registration by IMS AKA (RFC 3310, 3GPP TS 24.229 §5.1.1), with an S-CSCF that has the same key. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { akaCredentials } from '../../../core/sip/authentication/aka-answers.js';
import { SoftwareUicc, type Uicc } from '../../../core/sip/authentication/software-uicc.js';
import type { RegistrationFailure, RegistrationState } from '../../../core/sip/registration/registration.js';
import { SipUserAgent } from '../../../core/sip/user-agent.js';
import { type Received, ScriptedCore } from '../../support/sip/scripted-core.js';
import { until } from '../../support/wait.js';
import { authorizationOf, K, OPC, octets, responseFor, Scscf } from './s-cscf.js';

const IMPI = 'bob@domain.test';
const EMPTY = new Uint8Array();
const network = new Scscf();

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

async function subscriber(uicc: Uicc = new SoftwareUicc({ k: K, operator: { opc: OPC }, sqn: 3200 })) {
  const core = await ScriptedCore.tcp();
  closing.push(() => core.close());
  const granted: RegistrationState[] = [];
  const failures: RegistrationFailure[] = [];
  const agent = new SipUserAgent({
    identity: 'sip:bob@domain.test',
    servers: [core.uri],
    credentials: akaCredentials(IMPI, uicc),
    product: 'test/1',
    methods: ['MESSAGE'],
    accept: () => [],
    onRequest: () => {},
    registration: {
      instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      expires: 600,
      headers: [],
      features: () => [],
      onRegistered: (state) => granted.push(state),
      onFailed: (failure) => failures.push(failure),
    },
  });
  closing.push(async () => {
    core.hangUp();
    await agent.stop();
  });
  await agent.start();
  return { core, agent, granted, failures };
}

function grant({ request, respond }: Received): void {
  respond(200, [['Contact', request.headers.get('Contact') ?? '']]);
}

async function challenge(received: Received, sqn: number, from = network) {
  const vector = await from.vector(sqn);
  received.respond(401, [['WWW-Authenticate', from.challenge(vector)]]);
  return vector;
}

describe('IMS AKA', () => {
  it('TS 24.229 5.1.1.2.2: the first REGISTER contains the private identity without a response', async () => {
    const { core } = await subscriber();
    const first = await core.request('REGISTER');
    expect(Object.fromEntries(authorizationOf(first))).toEqual({
      username: IMPI,
      realm: 'domain.test',
      nonce: '',
      uri: 'sip:domain.test',
      response: '',
    });
  });

  it('E.1.3-01: RFC 3310 3.3: RES is the password', async () => {
    const { core, granted } = await subscriber();
    const { xres } = await challenge(await core.request('REGISTER'), 6400);
    const second = await core.request('REGISTER');
    const authorization = authorizationOf(second);
    expect(authorization.get('response')).toBe(responseFor(second, xres));
    expect(Object.fromEntries(authorization)).toMatchObject({
      username: IMPI,
      algorithm: 'AKAv1-MD5',
      qop: 'auth',
      nc: '00000001',
    });
    expect(authorization.has('auts')).toBe(false);
    expect(second.request.headers.get('CSeq')).toBe('2 REGISTER');
    grant(second);
    await until(() => expect(granted).toHaveLength(1));
  });

  it('answers later requests with the same challenge until there is another', async () => {
    const { core, agent } = await subscriber();
    const { xres } = await challenge(await core.request('REGISTER'), 6400);
    grant(await core.request('REGISTER'));
    await until(() => expect(agent.registration?.state).toBeDefined());
    agent.registration?.update();
    const refresh = await core.request('REGISTER');
    expect(authorizationOf(refresh).get('nc')).toBe('00000002');
    expect(authorizationOf(refresh).get('response')).toBe(responseFor(refresh, xres));
    const { xres: newer } = await challenge(refresh, 6432);
    const again = await core.request('REGISTER');
    expect(authorizationOf(again).get('response')).toBe(responseFor(again, newer));
    expect(authorizationOf(again).get('nc')).toBe('00000001');
    grant(again);
  });

  it('RFC 3310 3.4: sends AUTS with an empty password when out of sync, and answers the next challenge', async () => {
    const { core, granted } = await subscriber();
    const old = await challenge(await core.request('REGISTER'), 3200);
    const second = await core.request('REGISTER');
    const auts = new Uint8Array(Buffer.from(authorizationOf(second).get('auts') ?? '', 'base64'));
    expect(await network.resynchronised(old, auts)).toBe(3200);
    expect(authorizationOf(second).get('response')).toBe(responseFor(second, EMPTY));
    const { xres } = await challenge(second, 3232);
    const third = await core.request('REGISTER');
    expect(authorizationOf(third).get('response')).toBe(responseFor(third, xres));
    grant(third);
    await until(() => expect(granted).toHaveLength(1));
  });

  it('E.1.3-01: TS 24.229 5.1.1.5.3: sends neither RES nor AUTS to another network', async () => {
    const { core, granted } = await subscriber();
    await challenge(await core.request('REGISTER'), 6400, new Scscf(octets('11'.repeat(16))));
    const second = await core.request('REGISTER');
    expect(authorizationOf(second).get('response')).toBe('');
    expect(authorizationOf(second).has('auts')).toBe(false);
    await challenge(second, 6400);
    grant(await core.request('REGISTER'));
    await until(() => expect(granted).toHaveLength(1));
  });

  it('TS 24.229 5.1.1.5.3: reports an invalid challenge twice, then gives up', async () => {
    const { core, failures } = await subscriber();
    const foreignNetwork = new Scscf(octets('11'.repeat(16)));
    for (let at = 0; at < 3; at++) await challenge(await core.request('REGISTER'), 6400, foreignNetwork);
    await until(() => expect(failures).toHaveLength(1));
    expect(failures[0]).toMatchObject({ status: 401, retryInSeconds: expect.any(Number) });
    expect(core.requests).toHaveLength(3);
  });

  it('starts again without a challenge after a failure', async () => {
    const { core, agent, failures } = await subscriber();
    await challenge(await core.request('REGISTER'), 6400, new Scscf(octets('11'.repeat(16))));
    (await core.request('REGISTER')).respond(403);
    await until(() => expect(failures).toHaveLength(1));
    agent.registration?.update();
    expect(authorizationOf(await core.request('REGISTER')).get('nonce')).toBe('');
  });

  it('answers the challenge of a MESSAGE', async () => {
    const { core, agent } = await subscriber();
    grant(await core.request('REGISTER'));
    const answer = agent.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    const first = await core.request('MESSAGE');
    expect(first.request.headers.has('Authorization')).toBe(false);
    const vector = await network.vector(6400);
    first.respond(407, [['Proxy-Authenticate', network.challenge(vector)]]);
    const second = await core.request('MESSAGE');
    expect(second.request.headers.get('Proxy-Authorization')).toContain('algorithm=AKAv1-MD5');
    second.respond(200);
    expect((await answer).status).toBe(200);
  });

  it.each([
    ['a nonce that is not of AKA', 'Digest realm="d", nonce="abc", algorithm=AKAv1-MD5'],
    ['a nonce that is not base64', 'Digest realm="d", nonce="§§§", algorithm=AKAv1-MD5'],
    ['an algorithm without AKA', 'Digest realm="d", nonce="abc", algorithm=MD5, qop="auth"'],
    ['an unknown algorithm', `Digest realm="d", nonce="${'A'.repeat(44)}", algorithm=AKAv9-MD5`],
    ['another scheme', 'Basic realm="d"'],
    ['no header', ''],
  ])('a challenge with %s is not answered', async (_, text) => {
    const { core, failures } = await subscriber();
    (await core.request('REGISTER')).respond(401, text === '' ? [] : [['WWW-Authenticate', text]]);
    await until(() => expect(failures).toHaveLength(1));
    expect(core.requests).toHaveLength(1);
  });

  it('answers the strongest algorithm', async () => {
    const { core } = await subscriber();
    const vector = await network.vector(6400);
    const algorithms = ['AKAv1-MD5', 'AKAv1-SHA-256'];
    (await core.request('REGISTER')).respond(
      401,
      algorithms.map((algorithm) => ['WWW-Authenticate', network.challenge(vector, algorithm)]),
    );
    const second = await core.request('REGISTER');
    expect(authorizationOf(second).get('algorithm')).toBe('AKAv1-SHA-256');
    expect(authorizationOf(second).get('response')).toHaveLength(64);
    grant(second);
  });

  it('fails the registration if the UICC fails, and uses the UICC again for the next challenge', async () => {
    const card = new SoftwareUicc({ k: K, operator: { opc: OPC } });
    let removed = true;
    const { core, agent, granted, failures } = await subscriber({
      authenticate: async (rand, autn) => {
        if (removed) throw new Error('no card in the reader');
        return await card.authenticate(rand, autn);
      },
    });
    await challenge(await core.request('REGISTER'), 6400);
    await until(() => expect(failures).toHaveLength(1));
    expect(failures[0]?.reason).toBe('the UICC failed: no card in the reader');
    removed = false;
    agent.registration?.update();
    await challenge(await core.request('REGISTER'), 6432);
    grant(await core.request('REGISTER'));
    await until(() => expect(granted).toHaveLength(1));
  });

  it('stops waiting for a UICC that does not answer', async () => {
    const { core, failures } = await subscriber({ authenticate: () => new Promise(() => {}) });
    const first = await core.request('REGISTER');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await challenge(first, 6400);
    for (let second = 0; second < 12 && failures.length === 0; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(failures[0]?.reason).toBe('the UICC failed: no answer within 10 s');
  });
});
