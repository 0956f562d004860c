/** The user agent at aborts, stops, and invalid responses of peers. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TransportError } from '../../core/errors.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { type Closing, connected as connectedAgent } from '../support/sip/invites.js';
import { request } from '../support/sip/requests.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const closing: Closing = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const connected = (transport?: 'udp' | 'tcp', more?: Partial<SipUserAgentOptions>) =>
  connectedAgent(closing, transport, more);

const uri = 'sip:alice@domain.test';

/** Timers that are set and not cleared while `action` runs. */
async function timersLeft(action: () => Promise<void>): Promise<number> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await action();
  // A connection that is aborted clears its timer afterwards.
  await new Promise((resolve) => setImmediate(resolve));
  return vi.getTimerCount();
}

describe('a signal', () => {
  it('that is already aborted sends nothing', async () => {
    const { core, agent } = await connected();
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(agent.request({ method: 'MESSAGE', uri }, { signal })).rejects.toThrow('too late');
    expect(core.requests.filter(({ request: { method } }) => method === 'MESSAGE')).toEqual([]);
  });

  it('that is aborted ends the wait for a connection', async () => {
    const agent = new SipUserAgent({
      identity: 'sip:bob@domain.test',
      servers: ['sip:127.0.0.1:9;transport=tcp'],
      product: 'test/1',
      methods: [],
      accept: () => [],
      onRequest: () => {},
    });
    closing.push(() => agent.stop());
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(agent.request({ method: 'MESSAGE', uri }, { signal })).rejects.toThrow('too late');
  });
});

describe('stop', () => {
  it('ends a request that waits for a connection', async () => {
    const agent = new SipUserAgent({
      identity: 'sip:bob@domain.test',
      servers: ['sip:127.0.0.1:9;transport=tcp'],
      product: 'test/1',
      methods: [],
      accept: () => [],
      onRequest: () => {},
    });
    const left = await timersLeft(async () => {
      await agent.start();
      const refused = expect(agent.request({ method: 'MESSAGE', uri })).rejects.toThrow(TransportError);
      await agent.stop();
      await refused;
      await expect(agent.request({ method: 'MESSAGE', uri })).rejects.toThrow(TransportError);
    });
    expect(left).toBe(0);
  });

  it('leaves no timer of a request that is answered while the agent stops', async () => {
    const { core, agent, transactions } = await connected();
    core.send(request('MESSAGE', 'sip:bob@domain.test', [], 'x'));
    core.send(request('INVITE', 'sip:bob@domain.test', ['Contact: <sip:a@b.test>']));
    await until(() => expect(transactions).toHaveLength(2));
    const left = await timersLeft(async () => {
      await agent.stop();
      for (const transaction of transactions) {
        transaction.respond(buildResponse(transaction.request, 486), { untilAcknowledged: true });
      }
    });
    expect(left).toBe(0);
  });

  it('closes every connection for large requests', async () => {
    const { core, agent } = await connected('udp');
    const tcp = await ScriptedCore.tcp(core.port);
    closing.push(() => tcp.close());
    const body = new Uint8Array(2000);
    const answers = [1, 2, 3].map(() => agent.request({ method: 'MESSAGE', uri, body }));
    for (const _ of answers) (await tcp.request('MESSAGE')).respond(200);
    await Promise.all(answers);
    expect(tcp.connections).toBe(1);
    await agent.stop();
    await until(() => expect(tcp.connections).toBe(0));
  });
});

describe('invalid responses of a peer', () => {
  it.each([
    ['<sip:al\u00a0ice@x.test>', uri],
    ['<sip:>', uri],
    ['<data:a b>', uri],
    ['*', uri],
    ['<sip:alice@x.test?x=y z>', 'sip:alice@x.test'],
    ['<sip:a?b@x.test>', 'sip:a?b@x.test'],
  ])('a 2xx to INVITE with Contact %s is acknowledged to %s', async (contact, target) => {
    const { core, agent } = await connected();
    const crashes: unknown[] = [];
    const caught = (error: unknown) => crashes.push(error);
    process.on('uncaughtException', caught);
    closing.push(async () => process.off('uncaughtException', caught));
    const answer = agent.invite({ uri });
    (await core.request('INVITE')).respond(200, [['Contact', contact]]);
    expect((await answer).status).toBe(200);
    const ack = await core.request('ACK');
    expect(ack.request.uri).toBe(target);
    expect(crashes).toEqual([]);
  });
});

it('a malformed strict route does not end the process', async () => {
  const { core, agent } = await connected();
  const answer = agent.invite({ uri });
  (await core.request('INVITE')).respond(200, [
    ['Contact', '<sip:alice@x.test>'],
    ['Record-Route', '<sip:p\u00a0.test>'],
  ]);
  expect((await answer).status).toBe(200);
  expect((await core.request('ACK')).request.uri).toBe('sip:alice@x.test');
});

describe('sessions', () => {
  it('limits the sessions of one forked INVITE', async () => {
    const { core, agent } = await connected();
    let sessions = 0;
    const answer = agent.invite({ uri }, { onSession: () => sessions++ });
    const { request: sent } = await core.request('INVITE');
    const contact: [string, string] = ['Contact', '<sip:alice@x.test>'];
    for (let branch = 0; branch < 200; branch++) {
      core.send(buildResponse(sent, 200, { headers: [contact], toTag: `tag-${branch}` }));
    }
    await answer;
    const last = agent.request({ method: 'OPTIONS', uri });
    (await core.request('OPTIONS')).respond(200);
    await last;
    expect(sessions).toBe(100);
  });

  it('13.2.2.4: acknowledges each 2xx to a re-INVITE, including retransmissions', async () => {
    const { core, agent } = await connected();
    const contact: [string, string] = ['Contact', `<sip:alice@127.0.0.1:${core.port}>`];
    const answer = agent.invite(
      { uri },
      { onSession: (session) => void again.push(session.reinvite(new Uint8Array(), [])) },
    );
    const again: Promise<unknown>[] = [];
    (await core.request('INVITE')).respond(200, [contact]);
    await answer;
    await core.request('ACK');
    const second = await core.request('INVITE');
    const ok = buildResponse(second.request, 200, { headers: [contact] });
    core.send(ok);
    expect((await core.request('ACK')).request.headers.get('CSeq')).toBe('2 ACK');
    core.send(ok);
    expect((await core.request('ACK')).request.headers.get('CSeq')).toBe('2 ACK');
    await Promise.all(again);
  });

  it('11.2: answers an OPTIONS within a session, which proxies send as a keep-alive', async () => {
    const { core, agent, transactions } = await connected();
    const invite = request('INVITE', 'sip:bob@domain.test', ['Contact: <sip:a@b.test>']);
    core.send(invite);
    await until(() => expect(transactions).toHaveLength(1));
    for (const transaction of transactions) agent.accept(transaction);
    const answer = await core.response(invite.headers.get('Call-ID'), 200);
    const inDialog = (method: string, cseq: number) => {
      const next = request(method, agent.contact, []);
      for (const name of ['Call-ID', 'From']) next.headers.set(name, invite.headers.get(name) ?? '');
      next.headers.set('To', answer.headers.get('To') ?? '').set('CSeq', `${cseq} ${method}`);
      return next;
    };
    core.send(inDialog('ACK', 1));
    const options = await core.exchange(inDialog('OPTIONS', 5));
    expect(options.status).toBe(200);
    expect(options.headers.getAll('Allow')).toContain('BYE');
    expect((await core.exchange(inDialog('BYE', 4))).status).toBe(500);
    expect((await core.exchange(inDialog('BYE', 6))).status).toBe(200);
  });

  it('does not accept an INVITE that is already refused', async () => {
    const { core, agent, transactions } = await connected();
    core.send(request('INVITE', 'sip:bob@domain.test', ['Contact: <sip:a@b.test>']));
    await until(() => expect(transactions).toHaveLength(1));
    const [transaction] = transactions;
    if (!transaction) throw new Error('no INVITE');
    transaction.respond(buildResponse(transaction.request, 487));
    expect(() => agent.accept(transaction)).toThrow(TransportError);
  });

  it('RFC 3261 8.1.1.8: answers 400 to an INVITE without Contact', async () => {
    const { core } = await connected();
    expect((await core.exchange(request('INVITE', 'sip:bob@domain.test', []))).status).toBe(400);
  });
});
