/** The flow of a registration: outbound (RFC 5626), and the keep-alives that a server asks for (RFC 6223). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildResponse } from '../../core/sip/message/writer.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { request } from '../support/sip/requests.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function registering(more: Partial<SipUserAgentOptions> = {}) {
  const core = await ScriptedCore.tcp();
  let granted = 0;
  const agent = new SipUserAgent({
    identity: 'sip:bob@domain.test',
    servers: [core.uri],
    product: 'test/1',
    methods: ['MESSAGE', 'INVITE'],
    accept: () => [],
    onRequest: (transaction) => transaction.respond(buildResponse(transaction.request, 200)),
    registration: {
      instanceId: INSTANCE,
      expires: 600,
      headers: [],
      features: () => [],
      onRegistered: () => granted++,
    },
    ...more,
  });
  closing.push(async () => {
    await core.close();
    await agent.stop();
  });
  await agent.start();
  const registered = (times: number) => until(() => expect(granted).toBe(times));
  return { core, agent, registered };
}

const contactOf = ({ request: { headers } }: Received) => parseNameAddr(headers.get('Contact') ?? '');
const supportedIn = ({ request: { headers } }: Received) => headers.getAll('Supported');

/** Grants a REGISTER. @param parameters of its Contact. */
function grant(register: Received, headers: [string, string][] = [], parameters = '') {
  register.respond(200, [
    ['Contact', `${register.request.headers.get('Contact') ?? ''}${parameters}`],
    ...headers,
  ]);
}

describe('a device that is reached on the flow of its REGISTER', () => {
  it('registers the flow by its instance id and reg-id, and asks for keep-alives', async () => {
    const { core } = await registering();
    const register = await core.request('REGISTER');
    const parameters = contactOf(register)?.parameters;
    expect(parameters?.get('+sip.instance')).toBe(`<${INSTANCE}>`);
    expect(parameters?.get('reg-id')).toBe('1');
    expect(supportedIn(register)).toEqual(['path', 'gruu', 'outbound']);
    expect(register.request.headers.via?.parameters.has('keep')).toBe(true);
  });

  it('registers the same flow again after the connection is lost, and is reached there', async () => {
    const { core, registered } = await registering();
    const first = await core.request('REGISTER');
    grant(first);
    await registered(1);
    core.hangUp();
    const second = await core.request('REGISTER');
    for (const name of ['+sip.instance', 'reg-id'])
      expect(contactOf(second)?.parameters.get(name)).toBe(contactOf(first)?.parameters.get(name));
    expect(contactOf(second)?.uri).not.toBe(contactOf(first)?.uri);
    grant(second);
    await registered(2);
    expect((await core.exchange(request('MESSAGE', 'sip:bob@domain.test'))).status).toBe(200);
  });

  it('registers without reg-id if the first hop does not support outbound (439)', async () => {
    const { core, registered } = await registering();
    (await core.request('REGISTER')).respond(439);
    const second = await core.request('REGISTER');
    expect(contactOf(second)?.parameters.has('reg-id')).toBe(false);
    expect(supportedIn(second)).toEqual(['path', 'gruu']);
    grant(second);
    await registered(1);
  });

  it.each([
    ['has ob', 'if the registrar uses the flow', 'outbound', '', true],
    ['has no ob', 'without outbound at the registrar', 'pref', '', false],
    ['is its GRUU', 'if it has one', 'outbound', `;pub-gruu="sip:bob@domain.test;gr=${INSTANCE}"`, false],
  ])('the Contact of a dialog %s %s', async (_what, _when, required, parameters, ob) => {
    const { core, agent, registered } = await registering();
    grant(await core.request('REGISTER'), [['Require', required]], parameters);
    await registered(1);
    const answer = agent.invite({ uri: 'sip:alice@domain.test' });
    const invite = await core.request('INVITE');
    expect(/;ob(?:;|$)/.test(contactOf(invite)?.uri ?? '')).toBe(ob);
    invite.respond(486);
    await answer;
  });
});

it('a device that listens is reached there: it registers no flow', async () => {
  const { core } = await registering({ listen: 'sip:127.0.0.1:0;transport=udp' });
  const register = await core.request('REGISTER');
  expect(contactOf(register)?.parameters.has('reg-id')).toBe(false);
  expect(supportedIn(register)).toEqual(['path', 'gruu']);
});

describe('keep-alives', () => {
  it.each([
    ['the keep of the first hop (RFC 6223)', 120, undefined, 120],
    ['the Flow-Timer of the registrar (RFC 5626 4.4)', undefined, 90, 90],
    ['the smaller one of both', 120, 60, 60],
    ['ten seconds, if the server asks for less', 1, undefined, 10],
    ['the usual interval if the first hop has no preference', 0, undefined, 29],
  ])('are sent by %s', async (_what, keep, flowTimer, seconds) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // Each interval is 80 to 100 % of it: here almost 100 %.
    vi.spyOn(Math, 'random').mockReturnValue(0.999999);
    const { core, registered } = await registering();
    const { request: register } = await core.request('REGISTER');
    const response = buildResponse(register, 200, {
      headers: [
        ['Contact', register.headers.get('Contact') ?? ''],
        ...(flowTimer === undefined ? [] : ([['Flow-Timer', String(flowTimer)]] as [string, string][])),
      ],
    });
    const { via } = response.headers;
    if (!via) throw new Error('no Via');
    if (keep !== undefined) via.parameters.set('keep', String(keep));
    response.headers.setVia(via);
    core.send(response);
    await registered(1);
    for (let pings = 0; pings < 3; pings++) {
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 1000);
      // A ping that was sent too early arrives before this answer.
      await core.exchange(request('OPTIONS', 'sip:bob@domain.test'));
      expect(core.pings).toBe(pings);
      await vi.advanceTimersByTimeAsync(1000);
      await until(() => expect(core.pings).toBe(pings + 1));
    }
  });
});
