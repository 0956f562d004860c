/** Registration with unusual responses of a registrar (RFC 3261 §10.2.4, §10.3). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RegistrationFailure, RegistrationState } from '../../core/sip/registration/registration.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { request } from '../support/sip/requests.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function registering(transport: 'udp' | 'tcp' = 'udp', more: Partial<SipUserAgentOptions> = {}) {
  const core = await ScriptedCore[transport]();
  const granted: RegistrationState[] = [];
  const failures: RegistrationFailure[] = [];
  const agent = new SipUserAgent({
    identity: 'sip:bob@domain.test',
    servers: [core.uri],
    product: 'test/1',
    methods: ['MESSAGE'],
    accept: () => [],
    onRequest: () => {},
    registration: {
      instanceId: INSTANCE,
      expires: 600,
      headers: [],
      features: () => [],
      onRegistered: (state) => granted.push(state),
      onFailed: (failure) => failures.push(failure),
    },
    ...more,
  });
  closing.push(async () => {
    await core.close();
    await agent.stop();
  });
  await agent.start();
  return { core, agent, granted, failures };
}

const contactOf = ({ request: register }: Received) => register.headers.get('Contact') ?? '';
const uriOf = (received: Received) => parseNameAddr(contactOf(received))?.uri ?? '';
/** From here the test controls the clock. */
const stopClock = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
/** Requests that the agent sends at once have arrived: the timer of JsSIP for an invalid value is one millisecond. */
async function settled(core: ScriptedCore): Promise<void> {
  await vi.advanceTimersByTimeAsync(500);
  await core.exchange(request('OPTIONS', 'sip:bob@domain.test'));
}

describe('granted durations', () => {
  it.each(['abc', '-5', '4294967295', '99999999999999999999', '1e3'])(
    'expires=%s does not cause an endless loop of REGISTERs',
    async (expires) => {
      const { core, granted } = await registering();
      const first = await core.request('REGISTER');
      stopClock();
      first.respond(200, [['Contact', `<${uriOf(first)}>;expires=${expires}`]]);
      await until(() => expect(granted).toHaveLength(1));
      await settled(core);
      expect(core.requests).toHaveLength(1);
      expect(Number.isSafeInteger(granted[0]?.expires)).toBe(true);
    },
  );

  it('expires=0 means not registered', async () => {
    const { core, granted, failures } = await registering();
    const first = await core.request('REGISTER');
    first.respond(200, [['Contact', `<${uriOf(first)}>;expires=0`]]);
    await until(() => expect(failures).toHaveLength(1));
    expect(granted).toEqual([]);
  });

  it('10.2.4: uses the Contact of this connection, not an older one of the same device', async () => {
    const { core, granted } = await registering();
    const first = await core.request('REGISTER');
    const older = uriOf(first).replace(/:\d+;/, ':9;');
    first.respond(200, [
      ['Contact', `<${older}>;+sip.instance="<${INSTANCE}>";expires=7200`],
      ['Contact', `<${uriOf(first)}>;+sip.instance="<${INSTANCE}>";expires=600`],
    ]);
    await until(() => expect(granted).toHaveLength(1));
    expect(granted[0]?.expires).toBe(600);
  });

  it.each([
    ['with another address and without the instance', [['Contact', '<sip:x@192.0.2.9:40001>;expires=60']]],
    ['not at all', [['Expires', '60']]],
  ] as [string, [string, string][]][])(
    'is granted if the core returns our Contact %s',
    async (_how, headers) => {
      const { core, granted, failures } = await registering();
      (await core.request('REGISTER')).respond(200, headers);
      await until(() => expect(granted).toMatchObject([{ expires: 60 }]));
      expect(failures).toEqual([]);
    },
  );

  it('is refreshed if the core returns our Contact with another user part', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, granted } = await registering();
    const first = await core.request('REGISTER');
    first.respond(200, [['Contact', `<sip:other@10.0.0.1>;+sip.instance="<${INSTANCE}>";expires=60`]]);
    await until(() => expect(granted).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(60_000);
    await until(() => expect(core.requests.length).toBeGreaterThan(1));
  });

  it('is refreshed independently of Contacts of other devices', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, granted } = await registering();
    const first = await core.request('REGISTER');
    first.respond(200, [
      ['Contact', `<sip:${'('.repeat(8000)}@x>, <sip:%@[::::]>;expires="`],
      ['Contact', `<${uriOf(first)}>;expires=60`],
    ]);
    await until(() => expect(granted).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(60_000);
    await until(() => expect(core.requests.length).toBeGreaterThan(1));
  });
});

describe('refused registrations', () => {
  it.each(['4294967295', '99999999999999999999', '-5'])(
    'Retry-After: %s does not cause an endless loop of REGISTERs',
    async (retryAfter) => {
      const { core, failures } = await registering();
      const register = await core.request('REGISTER');
      stopClock();
      register.respond(503, [['Retry-After', retryAfter]]);
      await until(() => expect(failures).toHaveLength(1));
      await settled(core);
      expect(core.requests).toHaveLength(1);
      expect(failures[0]?.retryInSeconds).toBeLessThanOrEqual(86_400);
      expect(failures[0]?.retryInSeconds).toBeGreaterThanOrEqual(1);
    },
  );

  it('423: registers again at once with Min-Expires', async () => {
    const { core, granted } = await registering();
    (await core.request('REGISTER')).respond(423, [['Min-Expires', '1800']]);
    const second = await core.request('REGISTER');
    expect(second.request.headers.get('Expires')).toBe('1800');
    second.respond(200, [['Contact', contactOf(second)]]);
    await until(() => expect(granted).toHaveLength(1));
  });

  it.each(['abc', '', '-1', '600', '60', '99999999999999999999'])(
    '423 with Min-Expires: %s is treated like other refusals',
    async (minExpires) => {
      const { core, failures } = await registering();
      const register = await core.request('REGISTER');
      stopClock();
      register.respond(423, [['Min-Expires', minExpires]]);
      await until(() => expect(failures).toHaveLength(1));
      expect(failures[0]).toMatchObject({ status: 423, retryInSeconds: expect.any(Number) });
      await settled(core);
      expect(core.requests).toHaveLength(1);
    },
  );

  it('limits the retries after repeated 423', async () => {
    const { core, failures } = await registering();
    let attempts = 0;
    for (let minExpires = 601; failures.length === 0 && attempts < 50; minExpires++, attempts++) {
      (await core.request('REGISTER')).respond(423, [['Min-Expires', String(minExpires)]]);
      await until(() => expect(failures.length + core.unanswered('REGISTER').length).toBe(1));
    }
    expect(failures[0]).toMatchObject({ status: 423, retryInSeconds: expect.any(Number) });
    expect(attempts).toBeLessThan(10);
  });
});

it('a change during a REGISTER whose connection is lost: the next Contact is that of the new connection', async () => {
  const { core, agent } = await registering('tcp');
  await core.request('REGISTER');
  agent.registration?.update();
  core.hangUp();
  const second = await core.request('REGISTER');
  expect(uriOf(second)).toMatch(/@127\.0\.0\.1:[1-9]\d*;transport=tcp$/);
});
