/** A server that answers 503 is overloaded: other servers are tried first (RFC 3261 §21.5.4, RFC 3263 §4.3). */

import { afterEach, expect, it } from 'vitest';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { type Received, ScriptedCore } from '../support/sip/scripted-core.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function scene(transport: 'udp' | 'tcp', more: Partial<SipUserAgentOptions> = {}) {
  const cores = [await ScriptedCore[transport](), await ScriptedCore[transport]()] as const;
  for (const core of cores) closing.push(() => core.close());
  const disconnected: string[] = [];
  const agent = new SipUserAgent({
    identity: 'sip:psa@domain.test',
    servers: cores.map(({ uri }) => uri),
    product: 'test/1',
    methods: [],
    accept: () => [],
    onRequest: () => {},
    onDisconnected: (server, { message }) => disconnected.push(`${server}: ${message}`),
    ...more,
  });
  closing.push(async () => {
    for (const core of cores) core.autoAnswered.add('REGISTER');
    await agent.stop();
  });
  await agent.start();
  return { agent, cores, disconnected };
}

const message = (agent: SipUserAgent) =>
  agent.request({ method: 'MESSAGE', uri: 'sip:bob@domain.test', callId: 'the-push' });

const overloaded = ({ respond }: Received) => respond(503, [['Retry-After', '3600']]);

const grant = ({ request, respond }: Received) =>
  respond(200, [['Contact', request.headers.get('Contact') ?? '']]);

it.each(['udp', 'tcp'] as const)(
  'the same request is sent to the next server, and so is every later one (%s)',
  async (transport) => {
    const { agent, cores, disconnected } = await scene(transport);
    const [first, second] = cores;
    const answer = message(agent);
    overloaded(await first.request('MESSAGE'));
    const again = await second.request('MESSAGE');
    expect(again.request.headers.get('Call-ID')).toBe('the-push');
    again.respond(200);
    expect((await answer).status).toBe(200);
    expect(disconnected).toEqual([`${first.uri}: ${first.uri} is overloaded`]);
    const later = message(agent);
    (await second.request('MESSAGE')).respond(200);
    await later;
    expect(first.requests).toHaveLength(1);
  },
);

it('requests in progress at the overloaded server can still be answered', async () => {
  const { agent, cores } = await scene('tcp');
  const [first, second] = cores;
  const pending = message(agent);
  const earlier = await first.request('MESSAGE');
  const answer = message(agent);
  overloaded(await first.request('MESSAGE'));
  (await second.request('MESSAGE')).respond(200);
  await answer;
  earlier.respond(202);
  expect((await pending).status).toBe(202);
});

it('if each server is overloaded, the 503 is the answer', async () => {
  const { agent, cores } = await scene('udp');
  const [first, second] = cores;
  const answer = message(agent);
  overloaded(await first.request('MESSAGE'));
  overloaded(await second.request('MESSAGE'));
  const { status, headers } = await answer;
  expect([status, headers.get('Retry-After')]).toEqual([503, '3600']);
  expect(agent.nextHop).toBe(`UDP 127.0.0.1:${second.port}`);
  const later = message(agent);
  overloaded(await second.request('MESSAGE'));
  expect((await later).status).toBe(503);
});

it('a 503 within a dialog, or another status with Retry-After, is of the peer', async () => {
  const { agent, cores } = await scene('udp');
  const [first, second] = cores;
  const answer = message(agent);
  (await first.request('MESSAGE')).respond(500, [['Retry-After', '60']]);
  expect((await answer).status).toBe(500);
  expect(second.requests).toEqual([]);
  expect(agent.nextHop).toBe(`UDP 127.0.0.1:${first.port}`);
});

it('an agent registers with the next server, and then sends its request there', async () => {
  const failures: unknown[] = [];
  const { agent, cores } = await scene('tcp', {
    registration: {
      instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      expires: 600,
      headers: [],
      features: () => [],
      onFailed: (failure) => failures.push(failure),
    },
  });
  const [first, second] = cores;
  const answer = message(agent);
  overloaded(await first.request('REGISTER'));
  grant(await second.request('REGISTER'));
  const sent = await second.request('MESSAGE');
  sent.respond(200);
  expect((await answer).status).toBe(200);
  expect(first.requests.map(({ request }) => request.method)).toEqual(['REGISTER']);
  expect(failures).toEqual([{ reason: '503 of an overloaded server' }]);
});

it('a request of a registered agent waits for the registration with the next server', async () => {
  const { agent, cores } = await scene('tcp', {
    registration: {
      instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      expires: 600,
      headers: [],
      features: () => [],
    },
  });
  const [first, second] = cores;
  const answer = message(agent);
  grant(await first.request('REGISTER'));
  overloaded(await first.request('MESSAGE'));
  grant(await second.request('REGISTER'));
  (await second.request('MESSAGE')).respond(200);
  expect((await answer).status).toBe(200);
  expect(second.requests.map(({ request }) => request.method)).toEqual(['REGISTER', 'MESSAGE']);
});
