/** The differences between JsSIP 3.13.8 and `core/sip`, one test each, so that an upgrade shows changes. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LimitError, TimeoutError, TransportError } from '../../core/errors.js';
import type { RefusedRequest } from '../../core/sip/message/message.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import type { InviteSession } from '../../core/sip/session/invite-session.js';
import type { ServerTransaction } from '../../core/sip/transactions/server-machine.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { request } from '../support/sip/requests.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const BINARY = Uint8Array.from({ length: 256 }, (_, octet) => octet);
const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function scripted(transport: 'udp' | 'tcp' = 'udp', port?: number): Promise<ScriptedCore> {
  const core = await ScriptedCore[transport](port);
  closing.push(() => core.close());
  return core;
}

async function agent(core: ScriptedCore, options: Partial<SipUserAgentOptions> = {}) {
  const transactions: ServerTransaction[] = [];
  const refused: RefusedRequest[] = [];
  const made = new SipUserAgent({
    identity: 'sip:bob@domain.test',
    servers: [core.uri],
    credentials: { username: 'bob', password: 'secret' },
    product: 'test/1',
    methods: ['MESSAGE', 'INVITE'],
    accept: () => ['application/octet-stream'],
    onRequest: (transaction) => transactions.push(transaction),
    onRefused: (refusal) => refused.push(refusal),
    ...options,
  });
  // The scripted core closes first, so the last REGISTER is not answered.
  closing.unshift(() => made.stop());
  await made.start();
  return { agent: made, transactions, refused };
}

/** A scripted core can send to an agent only after the agent sent a request. */
async function afterGreeting(core: ScriptedCore, made: SipUserAgent): Promise<void> {
  const answer = made.request({ method: 'OPTIONS', uri: 'sip:domain.test' });
  (await core.request('OPTIONS')).respond(200);
  await answer;
}

const message = (lines: string[] = [], body: Uint8Array = BINARY, uri = 'sip:bob@domain.test') =>
  request('MESSAGE', uri, ['Content-Type: application/octet-stream', ...lines], body);

describe('the version of jssip', () => {
  it('is pinned exactly', () => {
    const version = '3.13.8';
    const ours: { dependencies: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(ours.dependencies.jssip).toBe(version);
    const installed: { version: string } = createRequire(import.meta.url)('jssip/package.json');
    expect(installed.version).toBe(version);
  });
});

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  it('a MESSAGE is answered when its handler answers, not when its listeners return', async () => {
    const core = await scripted(transport);
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    const sent = message();
    const answer = core.exchange(sent);
    await until(() => expect(transactions).toHaveLength(1));
    expect(core.responses.filter(({ status }) => status >= 200)).toEqual([]);
    const [transaction] = transactions;
    transaction?.respond(buildResponse(transaction.request, 202));
    expect((await answer).status).toBe(202);
  });

  it('bodies are bytes in both directions', async () => {
    const core = await scripted(transport);
    const { agent: made, transactions } = await agent(core);
    const answer = made.request({
      method: 'MESSAGE',
      uri: 'sip:alice@domain.test',
      headers: [['Content-Type', 'application/octet-stream']],
      body: BINARY,
    });
    const sent = await core.request('MESSAGE');
    expect(sent.request.body).toEqual(BINARY);
    expect(sent.request.headers.get('Content-Length')).toBe('256');
    sent.respond(200, [], BINARY);
    expect(Buffer.from((await answer).body)).toEqual(Buffer.from(BINARY));
    core.send(message());
    await until(() => expect(transactions).toHaveLength(1));
    expect(Buffer.from(transactions[0]?.request.body ?? [])).toEqual(Buffer.from(BINARY));
  });
});

describe('INVITE without a browser', () => {
  const session = async () => {
    const core = await scripted();
    const made = await agent(core);
    await afterGreeting(core, made.agent);
    return { core, ...made };
  };

  it('an incoming INVITE is accepted, acknowledged, changed by re-INVITE and ended by BYE', async () => {
    const { core, agent: made, transactions } = await session();
    const invite = request(
      'INVITE',
      'sip:bob@domain.test',
      [`Contact: <sip:alice@127.0.0.1:${core.port}>`, 'Content-Type: application/sdp'],
      BINARY,
    );
    core.send(invite);
    await until(() => expect(transactions).toHaveLength(1));
    const [transaction] = transactions;
    if (!transaction) throw new Error('no INVITE');
    const accepted = made.accept(transaction, {
      body: BINARY,
      headers: [['Content-Type', 'application/sdp']],
    });
    const ended = new Promise<void>((resolve) => {
      accepted.handlers = {
        onBye: () => resolve(),
        onReinvite: (again) => again.respond(buildResponse(again.request, 200), { untilAcknowledged: true }),
      };
    });
    const answer = await core.response(invite.headers.get('Call-ID'), 200);
    expect(Buffer.from(answer.body)).toEqual(Buffer.from(BINARY));
    const to = answer.headers.get('To') ?? '';
    const inDialog = (method: string, cseq: number) => {
      const next = request(method, made.contact, [`Contact: <sip:alice@127.0.0.1:${core.port}>`]);
      next.headers.set('Call-ID', invite.headers.get('Call-ID') ?? '');
      next.headers
        .set('From', invite.headers.get('From') ?? '')
        .set('To', to)
        .set('CSeq', `${cseq} ${method}`);
      return next;
    };
    core.send(inDialog('ACK', 1));
    expect((await core.exchange(inDialog('INVITE', 2))).status).toBe(200);
    core.send(inDialog('ACK', 2));
    expect((await core.exchange(inDialog('BYE', 2))).status).toBe(500);
    expect((await core.exchange(inDialog('BYE', 3))).status).toBe(200);
    await ended;
    expect((await core.exchange(inDialog('BYE', 4))).status).toBe(481);
  });

  it('a CANCEL ends an INVITE that is not answered', async () => {
    const { core, transactions } = await session();
    const invite = request('INVITE', 'sip:bob@domain.test', [`Contact: <sip:alice@127.0.0.1:${core.port}>`]);
    core.send(invite);
    await until(() => expect(transactions).toHaveLength(1));
    const [transaction] = transactions;
    if (!transaction) throw new Error('no INVITE');
    transaction.onCancel = () => transaction.respond(buildResponse(transaction.request, 487));
    const cancel = { ...invite, method: 'CANCEL', headers: invite.headers.clone().set('CSeq', '1 CANCEL') };
    core.send(cancel);
    const callId = invite.headers.get('Call-ID');
    await core.response(callId, 200);
    await core.response(callId, 487);
  });

  it('a sent INVITE is acknowledged for each 2xx, changed and ended', async () => {
    const { core, agent: made } = await session();
    const sessions: InviteSession[] = [];
    const answer = made.invite(
      { uri: 'sip:alice@domain.test', body: BINARY, headers: [['Content-Type', 'application/sdp']] },
      { onSession: (answered) => sessions.push(answered) },
    );
    const sent = await core.request('INVITE');
    const contact: [string, string] = ['Contact', `<sip:alice@127.0.0.1:${core.port}>`];
    const routes: [string, string] = ['Record-Route', '<sip:p2.test;lr>, <sip:p1.test;lr>'];
    const ok = buildResponse(sent.request, 200, { headers: [contact, routes] });
    core.send(ok);
    expect((await answer).status).toBe(200);
    core.send(ok);
    for (let copies = 0; copies < 2; copies++) {
      const ack = await core.request('ACK');
      expect(ack.request.headers.get('CSeq')).toBe(
        sent.request.headers.get('CSeq')?.replace('INVITE', 'ACK'),
      );
      expect(ack.request.uri).toBe(`sip:alice@127.0.0.1:${core.port}`);
      expect(ack.request.headers.getAll('Route')).toEqual(['<sip:p1.test;lr>', '<sip:p2.test;lr>']);
    }
    expect(sessions).toHaveLength(1);
    const changed = sessions[0]?.reinvite(BINARY, [['Content-Type', 'application/sdp']]);
    (await core.request('INVITE')).respond(200, [contact]);
    expect((await changed)?.status).toBe(200);
    await core.request('ACK');
    const bye = sessions[0]?.bye();
    (await core.request('BYE')).respond(200);
    expect((await bye)?.status).toBe(200);
  });

  it('a CANCEL waits for a provisional response', async () => {
    const { core, agent: made } = await session();
    const controller = new AbortController();
    const { signal } = controller;
    const answer = made.invite({ uri: 'sip:alice@domain.test' }, {}, { signal });
    const sent = await core.request('INVITE');
    controller.abort(new Error('cancelled by the caller'));
    await expect(answer).rejects.toThrow('cancelled by the caller');
    expect(core.requests.some((received) => received.request.method === 'CANCEL')).toBe(false);
    sent.respond(180);
    (await core.request('CANCEL')).respond(200);
    sent.respond(487);
    expect((await core.request('ACK')).request.headers.get('CSeq')).toContain('ACK');
  });
});

describe('transactions', () => {
  it('requests are retransmitted over UDP until they are answered', async () => {
    const core = await scripted();
    const { agent: made } = await agent(core);
    const answer = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test', body: BINARY });
    const sent = await core.request('MESSAGE');
    await until(() => expect(core.copies.length).toBeGreaterThan(0));
    expect(core.copies[0]).toEqual(sent.bytes);
    sent.respond(200);
    expect((await answer).status).toBe(200);
  });

  it('a retransmitted request gets the same answer again, and its handler sees it once', async () => {
    const core = await scripted();
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    const sent = message();
    core.send(sent);
    await until(() => expect(transactions).toHaveLength(1));
    const [transaction] = transactions;
    transaction?.respond(buildResponse(transaction.request, 200));
    const callId = sent.headers.get('Call-ID');
    const first = await core.response(callId);
    core.send(sent);
    expect(await core.response(callId)).toEqual(first);
    expect(transactions).toHaveLength(1);
  });

  it('branches are unique: 10,000 outstanding requests have 10,000 branches', async () => {
    const core = await scripted('tcp');
    const { agent: made } = await agent(core);
    const uri = 'sip:alice@domain.test';
    const answers = Array.from({ length: 10_000 }, () => made.request({ method: 'MESSAGE', uri }));
    await until(() => expect(core.requests).toHaveLength(10_000));
    const branches = core.requests.map((received) => received.request.headers.get('Via'));
    expect(new Set(branches).size).toBe(10_000);
    for (const received of core.requests) received.respond(200);
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
  });

  it('a request that arrives by two paths is answered 482 the second time', async () => {
    const core = await scripted();
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    const first = message();
    core.send(first);
    const merged = { ...first, headers: first.headers.clone() };
    merged.headers.set('Via', 'SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bKother');
    core.send(merged);
    expect((await core.response(first.headers.get('Call-ID'), 482)).status).toBe(482);
    expect(transactions).toHaveLength(1);
  });

  it('a received 408 is a response; no response is a timeout', async () => {
    const core = await scripted('tcp');
    const { agent: made } = await agent(core);
    const answer = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    (await core.request('MESSAGE')).respond(408);
    expect((await answer).status).toBe(408);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const unanswered = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    const failed = expect(unanswered).rejects.toThrow(TimeoutError);
    await vi.advanceTimersByTimeAsync(33_000);
    await failed;
  });
});

describe('streams', () => {
  it('messages are framed, however the stream is split, and keep-alives answered', async () => {
    const core = await scripted('tcp');
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    const text = (callId: string) =>
      `MESSAGE sip:bob@domain.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK${callId}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:bob@domain.test>\r\nCall-ID: ${callId}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 3\r\n\r\nabc`;
    const stream = `\r\n\r\n${text('one')}${text('two')}`;
    for (const octet of stream) core.send(octet);
    await until(() => expect(transactions).toHaveLength(2));
  });

  it('every response has a Content-Length', async () => {
    const core = await scripted('tcp');
    const { agent: made } = await agent(core);
    await afterGreeting(core, made);
    for (const wrong of [
      request('REFER', 'sip:bob@domain.test'),
      request('MESSAGE', 'http://bob.test'),
      request('MESSAGE', 'sip:bob@domain.test', ['Require: unheard-of']),
    ]) {
      expect((await core.exchange(wrong)).headers.get('Content-Length')).toBe('0');
    }
  });
});

describe('the syntax of messages', () => {
  it('a tel: URI in To and From is accepted', async () => {
    const core = await scripted();
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    const sent = message();
    sent.headers.set('To', '<tel:+15550100>').set('From', '<tel:+15550101>;tag=x');
    core.send(sent);
    await until(() => expect(transactions).toHaveLength(1));
  });

  it('the Request-URI may have any user (implicit registration sets), and tel:', async () => {
    const core = await scripted();
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    core.send(message([], BINARY, 'sip:somebody-else@domain.test'));
    core.send(message([], BINARY, 'tel:+15550100'));
    await until(() => expect(transactions).toHaveLength(2));
  });

  it('a dropped or refused message is reported with a reason', async () => {
    const core = await scripted();
    const { agent: made, refused } = await agent(core);
    await afterGreeting(core, made);
    core.send(
      'MESSAGE sip:bob@domain.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKbad\r\nMax-Forwards: 70\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:bob@domain.test>\r\nCall-ID: bad\r\nCSeq: 1 MESSAGE\r\nContent-Length: 99\r\n\r\n',
    );
    expect((await core.response('bad')).status).toBe(400);
    expect(refused).toMatchObject([{ method: 'MESSAGE', status: 400 }]);
    expect(refused[0]?.reason).toMatch(/Content-Length/);
  });
});

describe('headers of the agent', () => {
  it('Contact and Via are routable for a core', async () => {
    const core = await scripted();
    await agent(core, {
      registration: { instanceId: INSTANCE, expires: 600, headers: [], features: () => [] },
    });
    const { request: register } = await core.request('REGISTER');
    const contact = register.headers.get('Contact') ?? '';
    expect(contact).toMatch(/^<sip:[0-9a-f]+@127\.0\.0\.1:\d+;transport=udp>/);
    expect(contact).not.toMatch(/sip\.ice|invalid/);
    expect(register.headers.get('Via')).toMatch(
      /^SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;branch=z9hG4bK[0-9a-f]{32};rport/,
    );
    expect(register.uri).toBe('sip:domain.test');
  });

  it('Allow, Accept and Supported list the capabilities of the package', async () => {
    const core = await scripted();
    const { agent: made } = await agent(core);
    await afterGreeting(core, made);
    const answer = await core.exchange(request('OPTIONS', 'sip:bob@domain.test'));
    expect(answer.headers.getAll('Allow')).toEqual([
      'OPTIONS',
      'MESSAGE',
      'INVITE',
      'ACK',
      'CANCEL',
      'BYE',
      'UPDATE',
      'PRACK',
    ]);
    expect(answer.headers.get('Accept')).toBe('application/octet-stream');
    expect(answer.headers.getAll('Supported')).not.toContain('outbound');
    expect(answer.headers.has('Content-Type')).toBe(false);
  });

  it('REFER is not allowed, a NOTIFY outside a subscription gets 481', async () => {
    const core = await scripted();
    const { agent: made } = await agent(core);
    await afterGreeting(core, made);
    expect((await core.exchange(request('REFER', 'sip:bob@domain.test'))).status).toBe(405);
    expect((await core.exchange(request('NOTIFY', 'sip:bob@domain.test', ['Event: reg']))).status).toBe(481);
  });
});

describe('digest', () => {
  const challenge = (realm: string, more = '') =>
    `Digest realm="${realm}", nonce="n-${realm}${more}", qop="auth"`;

  it('9-00, AD-5.3.3: SHA-256 is preferred to MD5; 401 and then 407 are both answered; a stale nonce is replaced', async () => {
    const core = await scripted();
    const { agent: made } = await agent(core);
    const answer = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    const first = await core.request('MESSAGE');
    first.respond(401, [
      ['WWW-Authenticate', `${challenge('a')}, algorithm=MD5`],
      ['WWW-Authenticate', `${challenge('a')}, algorithm=SHA-256`],
    ]);
    const second = await core.request('MESSAGE');
    expect(second.request.headers.get('Authorization')).toMatch(/algorithm=SHA-256/);
    expect(second.request.headers.get('CSeq')).toBe('2 MESSAGE');
    second.respond(407, [['Proxy-Authenticate', challenge('p')]]);
    const third = await core.request('MESSAGE');
    expect(third.request.headers.get('Proxy-Authorization')).toContain('realm="p"');
    third.respond(407, [['Proxy-Authenticate', `${challenge('p', '2')}, stale=TRUE`]]);
    const fourth = await core.request('MESSAGE');
    expect(fourth.request.headers.get('Proxy-Authorization')).toContain('nonce="n-p2"');
    expect(fourth.request.headers.get('Authorization')).toBeTruthy();
    fourth.respond(200);
    expect((await answer).status).toBe(200);
    // The next request has the credentials without a challenge.
    const next = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    const repeated = await core.request('MESSAGE');
    expect(repeated.request.headers.get('Proxy-Authorization')).toContain('nc=00000002');
    repeated.respond(200);
    await next;
  });

  it('a wrong password ends with the challenge, without a loop', async () => {
    const core = await scripted();
    const { agent: made } = await agent(core);
    const answer = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    (await core.request('MESSAGE')).respond(401, [['WWW-Authenticate', challenge('a')]]);
    (await core.request('MESSAGE')).respond(401, [['WWW-Authenticate', challenge('a', '3')]]);
    expect((await answer).status).toBe(401);
  });
});

describe('registration', () => {
  const registering = (features: string[] = []) => ({
    registration: { instanceId: INSTANCE, expires: 600, headers: [], features: () => features },
  });

  it('a change during a REGISTER is sent after it', async () => {
    const core = await scripted();
    const features = ['+g.test="a"'];
    const { agent: made } = await agent(core, registering(features));
    const first = await core.request('REGISTER');
    features[0] = '+g.test="b"';
    made.registration?.update();
    made.registration?.update();
    first.respond(200, [['Contact', first.request.headers.get('Contact') ?? '']]);
    const second = await core.request('REGISTER');
    expect(second.request.headers.get('Contact')).toContain('+g.test="b"');
    expect(second.request.headers.get('Call-ID')).toBe(first.request.headers.get('Call-ID'));
    second.respond(200, [['Contact', second.request.headers.get('Contact') ?? '']]);
    await until(() => expect(made.registration?.state?.expires).toBe(600));
    expect(core.requests.filter((received) => received.request.method === 'REGISTER')).toHaveLength(2);
  });

  it('a 423 is followed by a REGISTER with Min-Expires, a refusal by a REGISTER after Retry-After', async () => {
    const core = await scripted();
    const onFailed = vi.fn();
    const { registration } = registering();
    await agent(core, { registration: { ...registration, onFailed } });
    (await core.request('REGISTER')).respond(423, [['Min-Expires', '1800']]);
    const second = await core.request('REGISTER');
    expect(second.request.headers.get('Expires')).toBe('1800');
    second.respond(500, [['Retry-After', '1']]);
    const third = await core.request('REGISTER');
    expect(onFailed).toHaveBeenCalledWith({
      status: 500,
      reason: 'Server Internal Error',
      retryInSeconds: 1,
    });
    third.respond(200, [['Contact', third.request.headers.get('Contact') ?? '']]);
  });

  it('servers are tried in order; a lost connection is opened again, and registered', async () => {
    const first = await scripted('tcp');
    const second = await scripted('tcp');
    await agent(first, { ...registering(), servers: [first.uri, second.uri] });
    const register = await first.request('REGISTER');
    register.respond(200, [['Contact', register.request.headers.get('Contact') ?? '']]);
    await first.close();
    await second.request('REGISTER');
  });
});

describe('cost', () => {
  it('no log line of a message is built: JsSIP neither sends nor receives messages', async () => {
    // The Transport of JsSIP writes every message into a string for its log, in both directions.
    const transport: { prototype: { send(): void; _onData(): void } } = createRequire(import.meta.url)(
      'jssip/lib/Transport.js',
    );
    const sends = vi.spyOn(transport.prototype, 'send');
    const receives = vi.spyOn(transport.prototype, '_onData');
    const core = await scripted();
    const { agent: made, transactions } = await agent(core);
    await afterGreeting(core, made);
    core.send(message());
    await until(() => expect(transactions).toHaveLength(1));
    expect(sends).not.toHaveBeenCalled();
    expect(receives).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe('message sizes', () => {
  const large = { method: 'MESSAGE', uri: 'sip:alice@domain.test', body: new Uint8Array(5000) };

  it('a request that is too large for UDP is sent over TCP if the server supports it', async () => {
    const udp = await scripted('udp');
    const tcp = await scripted('tcp', udp.port);
    const { agent: made } = await agent(udp);
    const answer = made.request(large);
    const sent = await tcp.request('MESSAGE');
    expect(sent.request.headers.get('Via')).toContain('SIP/2.0/TCP');
    sent.respond(200);
    expect((await answer).status).toBe(200);
    expect(udp.requests).toHaveLength(0);
  });

  it('a request that is too large for UDP is sent over UDP if the server does not support TCP', async () => {
    const udp = await scripted('udp');
    const { agent: made } = await agent(udp);
    const answer = made.request(large);
    const sent = await udp.request('MESSAGE');
    expect(sent.request.body).toEqual(large.body);
    sent.respond(200);
    expect((await answer).status).toBe(200);
  });

  it('a request that is too large for a datagram is refused with a clear error', async () => {
    const udp = await scripted('udp');
    const { agent: made } = await agent(udp);
    const huge = { ...large, body: new Uint8Array(65_500) };
    await expect(made.request(huge)).rejects.toThrow(LimitError);
    await expect(made.request(huge)).rejects.toThrow(/too large for UDP \(65507\).*does not accept TCP/);
  });

  it('a lost connection fails its pending requests', async () => {
    const core = await scripted('tcp');
    const { agent: made } = await agent(core);
    const answer = made.request({ method: 'MESSAGE', uri: 'sip:alice@domain.test' });
    const failed = expect(answer).rejects.toThrow(TransportError);
    await core.request('MESSAGE');
    await core.close();
    await failed;
  });
});
