/** Requests and headers of the network for application servers and devices (3GPP TS 24.229, RFC 7315, RFC 3608). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError } from '../../core/errors.js';
import type { SipRequest } from '../../core/sip/message/message.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import type { NetworkOptions } from '../../sdk/network/options.js';
import { until } from '../support/wait.js';
import { MemoryNetwork, type MemoryPeer } from './memory-network.js';

const BOB = 'sip:bob@domain.test';
const PSA = 'sip:psa@domain.test';
const OPTIONS: NetworkOptions = {
  applicationServers: { [PSA]: 'sip:127.0.0.1:5080;transport=udp' },
  thirdPartyRegistration: [PSA],
};

afterEach(() => {
  vi.useRealTimers();
});

function withServer(options: NetworkOptions = {}) {
  const network = new MemoryNetwork({ ...OPTIONS, ...options });
  return { network, server: network.peer(5080, 'UDP') };
}

async function nthRegister(server: MemoryPeer, count: number): Promise<SipRequest> {
  await until(() => expect(server.methods).toHaveLength(count));
  const last = server.requests[count - 1];
  if (last?.method !== 'REGISTER') throw new Error('expected a REGISTER');
  return last;
}

const summary = ({ headers }: SipRequest) => [headers.get('CSeq'), headers.get('Expires')].join(' ');

describe('third-party REGISTER (TS 24.229 5.4.1.7)', () => {
  it('B.1.1: reports a registration and its duration to an application server', async () => {
    const { network, server } = withServer();
    await network.device(4001, { expires: 7200 });
    const { uri, headers, body } = await nthRegister(server, 1);
    expect(uri).toBe('sip:127.0.0.1:5080;transport=udp');
    expect(headers.get('To')).toBe(`<${BOB}>`);
    expect(headers.get('From')).toMatch(/^<sip:domain.test>;tag=/);
    expect(headers.get('Contact')).toBe('<sip:127.0.0.1:5060;transport=udp>');
    expect(headers.get('Expires')).toBe('7200');
    expect(body).toHaveLength(0);
  });

  it('B.1.1: is sent on registration, on refresh, and after the last contact is removed', async () => {
    const { network, server } = withServer();
    const device = await network.device(4001, { expires: 600 });
    const first = await nthRegister(server, 1);
    await device.register({ expires: 900 });
    const second = await nthRegister(server, 2);
    const other = await network.device(4002, { expires: 60 });
    expect(summary(await nthRegister(server, 3))).toBe('3 REGISTER 900');
    await device.register({ expires: 0 });
    other.close();
    const last = await nthRegister(server, 4);
    expect([first, second, last].map(summary)).toEqual(['1 REGISTER 600', '2 REGISTER 900', '4 REGISTER 0']);
    expect(last.headers.get('To')).toBe(`<${BOB}>`);
    const callIds = [first, second, last].map(({ headers }) => headers.get('Call-ID'));
    expect(new Set(callIds).size).toBe(1);
  });

  it('is sent after the answer to the device', async () => {
    const order: (string | undefined)[] = [];
    const { network, server } = withServer({
      onEvent: (event) => {
        if (event.event === 'message' && event.direction === 'out') order.push(event.method ?? event.cseq);
      },
    });
    await network.device(4001);
    await nthRegister(server, 1);
    expect(order).toEqual(['1 REGISTER', 'REGISTER']);
  });

  it('sends changes during a pending REGISTER in the next one', async () => {
    const { network, server } = withServer();
    server.answer = () => [];
    const device = await network.device(4001, { expires: 600 });
    const first = await nthRegister(server, 1);
    for (const expires of [700, 800, 900]) await device.register({ expires });
    server.answer = () => [200];
    server.deliver(buildResponse(first, 200));
    expect(summary(await nthRegister(server, 2))).toBe('2 REGISTER 900');
  });

  it('notifies a server that does not answer at the next refresh', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { network, server } = withServer();
    server.answer = () => [];
    const device = await network.device(4001, { expires: 600 });
    await vi.advanceTimersByTimeAsync(40_000);
    const sent = server.requests.length;
    server.answer = () => [200];
    await device.register({ expires: 600 });
    await vi.advanceTimersByTimeAsync(0);
    expect(server.requests.slice(sent).map(summary)).toEqual(['2 REGISTER 600']);
    await network.core.close();
  });

  it('does not notify servers that are not configured', async () => {
    const { network, server } = withServer({ thirdPartyRegistration: [] });
    await network.device(4001);
    expect(server.requests).toEqual([]);
  });

  it.each([['sip:other@domain.test'], ['psa']])(
    'rejects %s, which is not an application server',
    (identity) => {
      expect(() => new MemoryNetwork({ ...OPTIONS, thirdPartyRegistration: [identity] })).toThrow(
        ConfigurationError,
      );
    },
  );
});

describe('P-Called-Party-ID (RFC 7315 4.2)', () => {
  const parameters = ';+sip.instance="<urn:uuid:1>"';

  it('contains the called identity or GRUU', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { parameters });
    const caller = network.peer(4009);
    await caller.send('MESSAGE', BOB);
    await caller.send('MESSAGE', `${BOB};gr=urn:uuid:1`, { headers: ['P-Called-Party-ID: <sip:x@y>'] });
    expect(device.requests.map(({ headers }) => headers.getAll('P-Called-Party-ID'))).toEqual([
      [`<${BOB}>`],
      [`<${BOB};gr=urn:uuid:1>`],
    ]);
  });

  it('is absent within a dialog, and is never that of the sender', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { parameters });
    await network.peer(4009).send('MESSAGE', `${BOB};gr=urn:uuid:1`, {
      to: `<${BOB}>;tag=t`,
      headers: ['P-Called-Party-ID: <sip:x@y>'],
    });
    expect(device.requests.map(({ headers }) => headers.has('P-Called-Party-ID'))).toEqual([false]);
  });

  it('is not sent to an application server', async () => {
    const { network, server } = withServer({ thirdPartyRegistration: [] });
    await network.peer(4009).send('MESSAGE', PSA);
    expect(server.requests.map(({ headers }) => headers.has('P-Called-Party-ID'))).toEqual([false]);
  });
});

describe('the answer to a REGISTER', () => {
  it('E.1.1: contains the identities of the user and the route of its requests (RFC 3608)', async () => {
    const users = { bob: { password: 'x', identities: [BOB, 'tel:+15550100'] }, alice: { password: 'x' } };
    const network = new MemoryNetwork({ users });
    const alice = await network.device(4002, { user: 'alice', password: 'x' });
    const bob = network.peer(4001);
    const response = await bob.register({ password: 'x' });
    expect(response.headers.getAll('P-Associated-URI')).toEqual([`<${BOB}>`, '<tel:+15550100>']);
    const route = response.headers.get('Service-Route') ?? '';
    expect(route).toBe('<sip:orig@127.0.0.1:5060;transport=tcp;lr>');
    const sent = await bob.send('MESSAGE', 'sip:alice@domain.test', {
      from: BOB,
      headers: [`Route: ${route}`],
    });
    expect(sent.status).toBe(200);
    expect(alice.requests[0]?.headers.has('Route')).toBe(false);
  });
});
