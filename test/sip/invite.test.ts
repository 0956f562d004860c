/** An INVITE of ours: answered, cancelled, given up, forked (RFC 3261 9, 13). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError, TransportError } from '../../core/errors.js';
import { INVITE_DEADLINE } from '../../core/sip/invitation.js';
import { buildResponse } from '../../core/sip/writer.js';
import { ALICE, type Closing, CONTACT, connected, inviting } from '../support/invites.js';
import { ScriptedCore } from '../support/scripted-core.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const methods = (core: Awaited<ReturnType<typeof connected>>['core']) =>
  core.requests.map(({ request: { method } }) => method).filter((method) => method !== 'OPTIONS');

it('8.1.1.8, 13.2.1: carries Contact and what we take within a session', async () => {
  const between = await connected(closing, 'udp', { methods: [] });
  const { invite, sent } = await inviting(between);
  expect(sent.request.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
  expect(sent.request.headers.getAll('Allow')).toEqual(['OPTIONS', 'INVITE', 'ACK', 'CANCEL', 'BYE']);
  sent.respond(486, [['Retry-After', '7']]);
  const answer = await invite.final;
  expect([answer.status, answer.headers.get('Retry-After')]).toEqual([486, '7']);
});

it('13.2.2.4: the ACK of a 2xx has the credentials of its INVITE', async () => {
  const credentials = { username: 'bob', password: 'secret' };
  const between = await connected(closing, 'tcp', { credentials });
  const { invite, sent } = await inviting(between);
  sent.respond(407, [['Proxy-Authenticate', 'Digest realm="x", nonce="n", qop="auth"']]);
  expect((await between.core.request('ACK')).request.headers.get('CSeq')).toBe('1 ACK');
  const again = await between.core.request('INVITE');
  again.respond(200, [CONTACT]);
  expect((await invite.final).status).toBe(200);
  const { request: ack } = await between.core.request('ACK');
  expect(ack.headers.get('CSeq')).toBe('2 ACK');
  expect(ack.headers.get('Proxy-Authorization')).toBe(again.request.headers.get('Proxy-Authorization'));
});

describe.each(['udp', 'tcp'] as const)('8.2.2-09: an INVITE that is given up, over %s', (transport) => {
  it('by cancel: CANCEL once a provisional response came, then 487', async () => {
    const between = await connected(closing, transport);
    const { invite, sent, sessions } = await inviting(between);
    invite.cancel();
    invite.cancel();
    sent.respond(180);
    const cancel = await between.core.request('CANCEL');
    expect(cancel.request.headers.get('Via')).toBe(sent.request.headers.get('Via'));
    cancel.respond(200);
    sent.respond(487);
    expect((await invite.final).status).toBe(487);
    await between.core.request('ACK');
    expect(sessions).toEqual([]);
    invite.cancel();
    expect(methods(between.core).filter((method) => method === 'CANCEL')).toHaveLength(1);
  });

  it('by its signal: final rejects at once, the CANCEL follows', async () => {
    const between = await connected(closing, transport);
    const controller = new AbortController();
    const provisional: number[] = [];
    const onProvisional = ({ status }: { status: number }) => provisional.push(status);
    const { invite, sent } = await inviting(between, { onProvisional }, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(invite.final).rejects.toThrow('changed my mind');
    sent.respond(180);
    (await between.core.request('CANCEL')).respond(200);
    sent.respond(487);
    await between.core.request('ACK');
    expect(provisional).toEqual([]);
  });

  it('9.1: a 2xx that crosses the CANCEL is acknowledged, and its session ended by BYE', async () => {
    const between = await connected(closing, transport);
    const { invite, sent, sessions } = await inviting(between);
    sent.respond(180);
    invite.cancel();
    const cancel = await between.core.request('CANCEL');
    sent.respond(200, [CONTACT]);
    cancel.respond(200);
    const refused = expect(invite.final).rejects.toThrow(TransportError);
    expect((await between.core.request('ACK')).request.headers.get('CSeq')).toBe('1 ACK');
    const bye = await between.core.request('BYE');
    expect(bye.request.headers.get('CSeq')).toBe('2 BYE');
    bye.respond(200);
    await refused;
    expect(sessions).toEqual([]);
  });

  it("by its signal, too late: the session is its owner's to end", async () => {
    const between = await connected(closing, transport);
    const controller = new AbortController();
    let begun = 0;
    const onSession = () => {
      begun++;
      controller.abort(new Error('too late'));
    };
    const { invite, sent } = await inviting(between, { onSession }, { signal: controller.signal });
    sent.respond(200, [CONTACT]);
    expect((await invite.final).status).toBe(200);
    await between.core.request('ACK');
    expect(begun).toBe(1);
    expect(methods(between.core)).toEqual(['INVITE', 'ACK']);
  });

  it('by a signal that is aborted already: nothing is sent', async () => {
    const between = await connected(closing, transport);
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(between.agent.invite({ uri: ALICE }, {}, { signal }).final).rejects.toThrow('too late');
    const invite = between.agent.invite({ uri: ALICE });
    invite.cancel();
    await expect(invite.final).rejects.toThrow(TransportError);
    expect(methods(between.core)).toEqual([]);
  });
});

it('an INVITE that rings for ever is cancelled, and final rejects', async () => {
  const between = await connected(closing);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { invite, sent } = await inviting(between);
  const settled = expect(invite.final).rejects.toThrow(TimeoutError);
  const rings = new Promise<void>((resolve) => {
    between.agent.invite({ uri: ALICE }, { onProvisional: () => resolve() }).final.catch(() => {});
  });
  sent.respond(180);
  const other = await between.core.request('INVITE');
  other.respond(180);
  await rings;
  await vi.advanceTimersByTimeAsync(INVITE_DEADLINE);
  await settled;
  vi.useRealTimers();
  for (const { respond } of [sent, other]) {
    (await between.core.request('CANCEL')).respond(200);
    respond(487);
    await between.core.request('ACK');
  }
});

it('an INVITE that a core never answers ends by Timer B', async () => {
  const between = await connected(closing, 'tcp');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { invite } = await inviting(between);
  const settled = expect(invite.final).rejects.toThrow(TimeoutError);
  await vi.advanceTimersByTimeAsync(32_000);
  await settled;
});

it('an INVITE whose connection is lost fails', async () => {
  const between = await connected(closing, 'tcp');
  const { invite } = await inviting(between);
  between.core.hangUp();
  await expect(invite.final).rejects.toThrow(TransportError);
});

describe('13.2.2.4: a forked INVITE', () => {
  it('each branch that accepts is a session, also after the first; one that is not wanted is ended', async () => {
    const between = await connected(closing);
    const { core } = between;
    const { invite, sent, sessions } = await inviting(between);
    const accept = (toTag: string) =>
      core.send(
        buildResponse(sent.request, 200, {
          headers: [
            ['Contact', `<sip:${toTag}@127.0.0.1:5099>`],
            ['Record-Route', `<sip:p-${toTag}.test;lr>`],
          ],
          toTag,
        }),
      );
    accept('one');
    expect((await invite.final).status).toBe(200);
    accept('two');
    accept('one');
    for (const tag of ['one', 'two', 'one']) {
      const { request: ack } = await core.request('ACK');
      expect(ack.uri).toBe(`sip:${tag}@127.0.0.1:5099`);
      expect(ack.headers.get('To')).toContain(`tag=${tag}`);
      expect(ack.headers.getAll('Route')).toEqual([`<sip:p-${tag}.test;lr>`]);
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

  it('a branch that accepts after a cancel is ended, after another one too', async () => {
    const between = await connected(closing);
    const { core } = between;
    const { invite, sent, sessions } = await inviting(between);
    sent.respond(180);
    invite.cancel();
    (await core.request('CANCEL')).respond(200);
    core.agrees.add('BYE');
    const refused = expect(invite.final).rejects.toThrow(TransportError);
    for (const toTag of ['one', 'two'])
      core.send(buildResponse(sent.request, 200, { headers: [CONTACT], toTag }));
    const ended = [await core.request('BYE'), await core.request('BYE')];
    expect(ended.map(({ request }) => /tag=(\w+)/.exec(request.headers.get('To') ?? '')?.[1])).toEqual([
      'one',
      'two',
    ]);
    await refused;
    expect(sessions).toEqual([]);
  });
});

describe('a stop', () => {
  it('cancels an INVITE that is not answered', async () => {
    const between = await connected(closing);
    let ringing = () => {};
    const rings = new Promise<void>((resolve) => {
      ringing = resolve;
    });
    const { invite, sent } = await inviting(between, { onProvisional: ringing });
    sent.respond(180);
    await rings;
    const stopped = between.agent.stop();
    await expect(invite.final).rejects.toThrow(TransportError);
    (await between.core.request('CANCEL')).respond(200);
    sent.respond(487);
    await between.core.request('ACK');
    await stopped;
    await expect(between.agent.invite({ uri: ALICE }).final).rejects.toThrow(TransportError);
  });

  it('ends a session that begins at the last moment', async () => {
    const between = await connected(closing);
    const { invite, sent, sessions } = await inviting(between);
    const stopped = between.agent.stop();
    await expect(invite.final).rejects.toThrow(TransportError);
    sent.respond(200, [CONTACT]);
    await between.core.request('ACK');
    (await between.core.request('BYE')).respond(200);
    await stopped;
    expect(sessions).toEqual([]);
  });
});

describe('RFC 3261 18.1.1: an INVITE of more than 1300 bytes', () => {
  it('goes over TCP; its ACK and what follows by the connection in use', async () => {
    const between = await connected(closing);
    const tcp = await ScriptedCore.tcp(between.core.port);
    closing.unshift(() => tcp.close());
    const sessions: unknown[] = [];
    const invite = between.agent.invite(
      { uri: ALICE, body: new Uint8Array(2000), headers: [['Content-Type', 'application/sdp']] },
      { onSession: (session) => sessions.push(session) },
    );
    const sent = await tcp.request('INVITE');
    expect(sent.request.headers.get('Via')).toContain('SIP/2.0/TCP');
    sent.respond(200, [CONTACT]);
    expect((await invite.final).status).toBe(200);
    expect((await between.core.request('ACK')).request.headers.get('Via')).toContain('SIP/2.0/UDP');
    expect(sessions).toHaveLength(1);
  });
});
