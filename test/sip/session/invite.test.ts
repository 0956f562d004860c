/** A sent INVITE: answered, cancelled, aborted, forked (RFC 3261 §9, §13). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError, TransportError } from '../../../core/errors.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { INVITE_DEADLINE } from '../../../core/sip/session/invitation.js';
import { parseEndpoint } from '../../../core/sip/transport/transport-uri.js';
import { ALICE, type Closing, CONTACT, connected, inviting, roundTrip } from '../../support/sip/invites.js';
import { ScriptedCore } from '../../support/sip/scripted-core.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const methods = (core: Awaited<ReturnType<typeof connected>>['core']) =>
  core.requests.map(({ request: { method } }) => method).filter((method) => method !== 'OPTIONS');

it('8.1.1.8, 13.2.1: an INVITE has Contact and Allow', async () => {
  const between = await connected(closing, 'udp', { methods: [] });
  const { answer, sent } = await inviting(between);
  expect(sent.request.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
  expect(sent.request.headers.getAll('Allow')).toEqual([
    'OPTIONS',
    'INVITE',
    'ACK',
    'CANCEL',
    'BYE',
    'UPDATE',
    'PRACK',
  ]);
  sent.respond(486, [['Retry-After', '7']]);
  const { status, headers } = await answer;
  expect([status, headers.get('Retry-After')]).toEqual([486, '7']);
});

it('13.2.2.4: the ACK of a 2xx has the credentials of its INVITE', async () => {
  const credentials = { username: 'bob', password: 'secret' };
  const between = await connected(closing, 'tcp', { credentials });
  const { answer, sent } = await inviting(between);
  sent.respond(407, [['Proxy-Authenticate', 'Digest realm="x", nonce="n", qop="auth"']]);
  expect((await between.core.request('ACK')).request.headers.get('CSeq')).toBe('1 ACK');
  const again = await between.core.request('INVITE');
  again.respond(200, [CONTACT]);
  expect((await answer).status).toBe(200);
  const { request: ack } = await between.core.request('ACK');
  expect(ack.headers.get('CSeq')).toBe('2 ACK');
  expect(ack.headers.get('Proxy-Authorization')).toBe(again.request.headers.get('Proxy-Authorization'));
});

describe.each(['udp', 'tcp'] as const)('8.2.2-09: an aborted INVITE, over %s', (transport) => {
  it('rejects at once, and sends a CANCEL after a provisional response', async () => {
    const between = await connected(closing, transport);
    const controller = new AbortController();
    const { answer, sent, sessions } = await inviting(between, {}, { signal: controller.signal });
    controller.abort(new Error('cancelled by the caller'));
    await expect(answer).rejects.toThrow('cancelled by the caller');
    expect(methods(between.core)).toEqual(['INVITE']);
    sent.respond(180);
    sent.respond(183);
    const cancel = await between.core.request('CANCEL');
    expect(cancel.request.headers.get('Via')).toBe(sent.request.headers.get('Via'));
    cancel.respond(200);
    sent.respond(487);
    await between.core.request('ACK');
    expect(sessions).toEqual([]);
    expect(methods(between.core).filter((method) => method === 'CANCEL')).toHaveLength(1);
  });

  it('9.1: a 2xx that crosses the CANCEL is acknowledged, and its session ended by BYE', async () => {
    const between = await connected(closing, transport);
    const controller = new AbortController();
    const { sent, sessions } = await inviting(between, {}, { signal: controller.signal });
    sent.respond(180);
    controller.abort();
    const cancel = await between.core.request('CANCEL');
    sent.respond(200, [CONTACT]);
    cancel.respond(200);
    expect((await between.core.request('ACK')).request.headers.get('CSeq')).toBe('1 ACK');
    const bye = await between.core.request('BYE');
    expect(bye.request.headers.get('CSeq')).toBe('2 BYE');
    bye.respond(200);
    expect(sessions).toEqual([]);
  });

  it('leaves the session to its caller if the abort is too late', async () => {
    const between = await connected(closing, transport);
    const controller = new AbortController();
    let begun = 0;
    const onSession = () => {
      begun++;
      controller.abort(new Error('too late'));
    };
    const { answer, sent } = await inviting(between, { onSession }, { signal: controller.signal });
    sent.respond(200, [CONTACT]);
    expect((await answer).status).toBe(200);
    await between.core.request('ACK');
    expect(begun).toBe(1);
    expect(methods(between.core)).toEqual(['INVITE', 'ACK']);
  });

  it('sends nothing if it was aborted before', async () => {
    const between = await connected(closing, transport);
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(between.agent.invite({ uri: ALICE }, {}, { signal })).rejects.toThrow('too late');
    const controller = new AbortController();
    const late = between.agent.invite({ uri: ALICE }, {}, { signal: controller.signal });
    controller.abort(new Error('also too late'));
    await expect(late).rejects.toThrow('also too late');
    expect(methods(between.core)).toEqual([]);
  });
});

it('cancels an INVITE that keeps ringing', async () => {
  const between = await connected(closing);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { answer, sent } = await inviting(between);
  const settled = expect(answer).rejects.toThrow(TimeoutError);
  sent.respond(180);
  await roundTrip(between);
  await vi.advanceTimersByTimeAsync(INVITE_DEADLINE);
  await settled;
  vi.useRealTimers();
  (await between.core.request('CANCEL')).respond(200);
  sent.respond(487);
  await between.core.request('ACK');
});

it('ends an INVITE without an answer by Timer B', async () => {
  const between = await connected(closing, 'tcp');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { answer } = await inviting(between);
  const settled = expect(answer).rejects.toThrow(TimeoutError);
  await vi.advanceTimersByTimeAsync(32_000);
  await settled;
});

it('fails an INVITE whose connection is lost', async () => {
  const between = await connected(closing, 'tcp');
  const { answer } = await inviting(between);
  between.core.hangUp();
  await expect(answer).rejects.toThrow(TransportError);
});

describe('13.2.2.4: a forked INVITE', () => {
  it('is a session for each branch that accepts; an unwanted one is ended', async () => {
    const between = await connected(closing);
    const { core } = between;
    const { port } = parseEndpoint(core.uri);
    const { answer, sent, sessions } = await inviting(between);
    const accept = (toTag: string) =>
      core.send(
        buildResponse(sent.request, 200, {
          headers: [
            ['Contact', `<sip:${toTag}@127.0.0.1:5099>`],
            ['Record-Route', `<sip:p-${toTag}@127.0.0.1:${port};lr>`],
          ],
          toTag,
        }),
      );
    accept('one');
    expect((await answer).status).toBe(200);
    accept('two');
    accept('one');
    for (const tag of ['one', 'two', 'one']) {
      const { request: ack } = await core.request('ACK');
      expect(ack.uri).toBe(`sip:${tag}@127.0.0.1:5099`);
      expect(ack.headers.get('To')).toContain(`tag=${tag}`);
      expect(ack.headers.getAll('Route')).toEqual([`<sip:p-${tag}@127.0.0.1:${port};lr>`]);
    }
    expect(sessions).toHaveLength(2);
    const [first, second] = sessions;
    const hungUp = second?.bye();
    const bye = await core.request('BYE');
    expect(bye.request.uri).toBe('sip:two@127.0.0.1:5099');
    bye.respond(200);
    expect((await hungUp)?.status).toBe(200);
    expect([first?.ended, second?.ended]).toEqual([false, true]);
  });

  it('ends each branch that accepts after the abort', async () => {
    const between = await connected(closing);
    const { core } = between;
    const controller = new AbortController();
    const { sent, sessions } = await inviting(between, {}, { signal: controller.signal });
    sent.respond(180);
    controller.abort();
    (await core.request('CANCEL')).respond(200);
    core.autoAnswered.add('BYE');
    for (const toTag of ['one', 'two'])
      core.send(buildResponse(sent.request, 200, { headers: [CONTACT], toTag }));
    const ended = [await core.request('BYE'), await core.request('BYE')];
    expect(ended.map(({ request }) => /tag=(\w+)/.exec(request.headers.get('To') ?? '')?.[1])).toEqual([
      'one',
      'two',
    ]);
    expect(sessions).toEqual([]);
  });
});

describe('a stop', () => {
  it('cancels an INVITE without an answer', async () => {
    const between = await connected(closing);
    const { answer, sent } = await inviting(between);
    sent.respond(180);
    await roundTrip(between);
    const stopped = between.agent.stop();
    await expect(answer).rejects.toThrow(TransportError);
    (await between.core.request('CANCEL')).respond(200);
    sent.respond(487);
    await between.core.request('ACK');
    await stopped;
    await expect(between.agent.invite({ uri: ALICE })).rejects.toThrow(TransportError);
  });

  it('ends a session that begins while the agent stops', async () => {
    const between = await connected(closing);
    const { answer, sent, sessions } = await inviting(between);
    const stopped = between.agent.stop();
    await expect(answer).rejects.toThrow(TransportError);
    sent.respond(200, [CONTACT]);
    await between.core.request('ACK');
    (await between.core.request('BYE')).respond(200);
    await stopped;
    expect(sessions).toEqual([]);
  });
});

describe('RFC 3261 18.1.1: an INVITE of more than 1300 bytes', () => {
  it('is sent over TCP; its ACK and later requests use the connection in use', async () => {
    const between = await connected(closing);
    const tcp = await ScriptedCore.tcp(between.core.port);
    closing.unshift(() => tcp.close());
    const sessions: unknown[] = [];
    const answer = between.agent.invite(
      { uri: ALICE, body: new Uint8Array(2000), headers: [['Content-Type', 'application/sdp']] },
      { onSession: (session) => sessions.push(session) },
    );
    const sent = await tcp.request('INVITE');
    expect(sent.request.headers.get('Via')).toContain('SIP/2.0/TCP');
    sent.respond(200, [CONTACT]);
    expect((await answer).status).toBe(200);
    expect((await between.core.request('ACK')).request.headers.get('Via')).toContain('SIP/2.0/UDP');
    expect(sessions).toHaveLength(1);
  });
});
