/** Sessions: re-INVITE in both directions, glare, every way to end, lost connections (RFC 3261 §12, §14, §15). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError, TransportError } from '../../../core/errors.js';
import { INVITE_DEADLINE } from '../../../core/sip/session/invitation.js';
import type { InviteSession } from '../../../core/sip/session/invite-session.js';
import {
  answering,
  type Closing,
  CONTACT,
  type Connected,
  called,
  calling,
  cancelOf,
  connected,
  roundTrip,
} from '../../support/sip/invites.js';
import { type Received, ScriptedCore } from '../../support/sip/scripted-core.js';
import { until } from '../../support/wait.js';

const closing: Closing = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const BODY = new TextEncoder().encode('v=0\r\n');
const SDP: [string, string][] = [['Content-Type', 'application/sdp']];

/** The events of a session. */
function watch(session: InviteSession) {
  const ends: (Error | 'bye')[] = [];
  session.handlers = {
    onBye: () => ends.push('bye'),
    onReinvite: (transaction) => session.accept(transaction, { headers: SDP, body: BODY }),
    onEnd: (error) => ends.push(error),
  };
  return ends;
}

const delaysOf = (spy: { mock: { calls: unknown[][] } }) =>
  spy.mock.calls.map(([, milliseconds]) => Number(milliseconds));

describe('14.1: a sent re-INVITE', () => {
  it('has a Contact; its 2xx is acknowledged and changes the target', async () => {
    const between = await connected(closing);
    const { session } = await calling(between);
    const changed = session.reinvite(BODY, SDP);
    const sent = await between.core.request('INVITE');
    expect(sent.request.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
    expect(sent.request.uri).toBe('sip:alice@127.0.0.1:5099');
    sent.respond(200, [['Contact', '<sip:alice@127.0.0.2:5099>']]);
    expect((await changed).status).toBe(200);
    expect((await between.core.request('ACK')).request.uri).toBe('sip:alice@127.0.0.2:5099');
  });

  it('is sent after the previous one, and its body is created then', async () => {
    const between = await connected(closing);
    const { session } = await calling(between);
    const first = session.reinvite(BODY, SDP);
    let bodies = 0;
    const second = session.reinvite(() => {
      bodies++;
      return BODY;
    }, SDP);
    const sent = await between.core.request('INVITE');
    expect(bodies).toBe(0);
    sent.respond(488);
    expect((await first).status).toBe(488);
    expect((await between.core.request('ACK')).request.headers.get('CSeq')).toBe('2 ACK');
    const next = await between.core.request('INVITE');
    expect(next.request.headers.get('CSeq')).toBe('3 INVITE');
    next.respond(200, [CONTACT]);
    expect((await second).status).toBe(200);
    expect([bodies, session.ended]).toEqual([1, false]);
  });

  it.each([
    ['sent the INVITE', calling, 2100, 4000],
    ['accepted it', answering, 0, 2000],
  ] as const)('491: retries after the delay of the end that %s', async (_, begin, least, most) => {
    const between = await connected(closing);
    const { session, ...rest } = await begin(between);
    if ('invite' in rest) {
      between.core.send(rest.inDialog('ACK', 1));
      await between.core.exchange(rest.inDialog('OPTIONS', 2));
    }
    const spy = vi.spyOn(globalThis, 'setTimeout');
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    const changed = session.reinvite(BODY, SDP);
    const refused = await between.core.request('INVITE');
    refused.respond(491);
    // Timers of transactions are the same each time.
    await between.core.request('ACK');
    const again = await between.core.request('INVITE');
    random.mockRestore();
    again.respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
    expect(again.request.headers.get('CSeq')).not.toBe(refused.request.headers.get('CSeq'));
    expect(delaysOf(spy)).toContain(least);
    expect(Math.max(...delaysOf(spy).filter((wait) => wait <= 4000))).toBeLessThanOrEqual(most + 2000);
  });

  it('reports repeated 491 answers', async () => {
    const between = await connected(closing, 'tcp');
    const { session, inDialog } = await answering(between);
    between.core.send(inDialog('ACK', 1));
    await between.core.exchange(inDialog('OPTIONS', 2));
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const changed = session.reinvite(BODY, SDP);
    for (let times = 0; times < 6; times++) (await between.core.request('INVITE')).respond(491);
    expect((await changed).status).toBe(491);
    expect(session.ended).toBe(false);
  });

  it('waits for the ACK of our 2xx', async () => {
    const between = await connected(closing);
    const { session, inDialog } = await answering(between);
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    const changed = session.reinvite(BODY, SDP);
    await between.core.exchange(inDialog('OPTIONS', 2));
    expect(between.core.requests.filter(({ request: { method } }) => method === 'INVITE')).toEqual([]);
    between.core.send(inDialog('ACK', 1));
    const sent = await between.core.request('INVITE');
    random.mockRestore();
    sent.respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
  });

  it('ends the session after a 481 without a BYE, and reports it', async () => {
    const between = await connected(closing);
    const { session } = await calling(between);
    const ends = watch(session);
    const changed = session.reinvite(BODY, SDP);
    (await between.core.request('INVITE')).respond(481);
    expect((await changed).status).toBe(481);
    expect(ends).toEqual([expect.any(TransportError)]);
    expect(session.ended).toBe(true);
    await expect(session.reinvite(BODY, SDP)).rejects.toThrow(TransportError);
    expect(await session.bye()).toBeUndefined();
  });

  it.each([
    ['408', 408],
    ['no answer at all', undefined],
  ])('%s: the session ends with a BYE', async (_, status) => {
    const between = await connected(closing, 'tcp');
    const { session } = await calling(between);
    const ends = watch(session);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const changed = session.reinvite(BODY, SDP).catch((error) => error);
    const sent = await between.core.request('INVITE');
    if (status) sent.respond(status);
    else await vi.advanceTimersByTimeAsync(32_000);
    vi.useRealTimers();
    expect(await changed).toEqual(status ? expect.objectContaining({ status }) : expect.any(TimeoutError));
    (await between.core.request('BYE')).respond(200);
    expect(ends).toEqual([expect.any(TimeoutError)]);
  });

  it('is cancelled if the peer only answers provisionally, and the session continues', async () => {
    const between = await connected(closing);
    const { session } = await calling(between);
    const ends = watch(session);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const changed = expect(session.reinvite(BODY, SDP)).rejects.toThrow(TimeoutError);
    const sent = await ringing(between);
    await vi.advanceTimersByTimeAsync(INVITE_DEADLINE);
    (await between.core.request('CANCEL')).respond(200);
    sent.respond(487);
    await changed;
    expect([session.ended, ends]).toEqual([false, []]);
  });

  it('is applied if its 2xx crosses the CANCEL', async () => {
    const between = await connected(closing);
    const { session } = await calling(between);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const changed = session.reinvite(BODY, SDP);
    const sent = await ringing(between);
    await vi.advanceTimersByTimeAsync(INVITE_DEADLINE);
    (await between.core.request('CANCEL')).respond(200);
    sent.respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
    await between.core.request('ACK');
    expect(session.ended).toBe(false);
  });

  it('ends with the session', async () => {
    const between = await connected(closing);
    const { session, inDialog } = await calling(between);
    const ends = watch(session);
    const changed = expect(session.reinvite(BODY, SDP)).rejects.toThrow(TransportError);
    const waiting = expect(session.reinvite(BODY, SDP)).rejects.toThrow(TransportError);
    const sent = await between.core.request('INVITE');
    expect((await between.core.exchange(inDialog('BYE', 1))).status).toBe(200);
    sent.respond(487);
    await Promise.all([changed, waiting]);
    expect(ends).toEqual(['bye']);
  });
});

/** The next INVITE rings. */
async function ringing(between: Connected): Promise<Received> {
  const sent = await between.core.request('INVITE');
  sent.respond(180);
  await roundTrip(between);
  return sent;
}

describe('14.2: a received re-INVITE', () => {
  it('is answered with Contact and capabilities until its ACK, and changes the target', async () => {
    const between = await connected(closing);
    const { session, inDialog } = await answering(between);
    watch(session);
    between.core.send(inDialog('ACK', 1));
    const again = inDialog('INVITE', 2, ['Contact: <sip:alice@127.0.0.2:5099>']);
    const answer = await between.core.exchange(again);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
    expect(answer.headers.get('Accept')).toBe('application/sdp');
    expect(answer.headers.getAll('Allow')).toContain('BYE');
    expect(await between.core.response(again.headers.get('Call-ID'), 200)).toEqual(answer);
    between.core.send(inDialog('ACK', 2));
    const bye = session.bye();
    const hungUp = await between.core.request('BYE');
    expect(hungUp.request.uri).toBe('sip:alice@127.0.0.2:5099');
    hungUp.respond(200);
    await bye;
  });

  it('is answered 491 while a sent re-INVITE is pending', async () => {
    const between = await connected(closing);
    const { session, inDialog } = await calling(between);
    watch(session);
    const changed = session.reinvite(BODY, SDP);
    const sent = await between.core.request('INVITE');
    const theirs = inDialog('INVITE', 1);
    expect((await between.core.exchange(theirs)).status).toBe(491);
    between.core.send({ ...theirs, method: 'ACK', headers: theirs.headers.clone().set('CSeq', '1 ACK') });
    sent.respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
    expect((await between.core.exchange(inDialog('INVITE', 2))).status).toBe(200);
    between.core.send(inDialog('ACK', 2));
  });

  it('is answered 500 with Retry-After of at most 10 s while another is pending, and a sent re-INVITE waits', async () => {
    const between = await connected(closing);
    const { session, inDialog: next } = await answering(between);
    // The CSeq numbers of the peer continue from its INVITE.
    const inDialog = (method: string, cseq: number) => next(method, cseq + 1);
    between.core.send(next('ACK', 1));
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const pending: (() => void)[] = [];
    session.handlers = {
      onBye: () => {},
      onReinvite: (transaction) => pending.push(() => session.accept(transaction)),
    };
    const first = inDialog('INVITE', 1);
    between.core.send(first);
    await until(() => expect(pending).toHaveLength(1));
    const second = inDialog('INVITE', 2);
    between.core.send(second);
    const refused = await between.core.response(second.headers.get('Call-ID'), 500);
    expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    between.core.send({ ...second, method: 'ACK', headers: second.headers.clone().set('CSeq', '3 ACK') });
    const changed = session.reinvite(BODY, SDP);
    for (const answer of pending) answer();
    await between.core.response(first.headers.get('Call-ID'), 200);
    between.core.send(inDialog('ACK', 1));
    (await between.core.request('INVITE')).respond(488);
    expect((await changed).status).toBe(488);
  });

  it('is answered 487 if cancelled, and the session continues', async () => {
    const between = await connected(closing);
    const { session, inDialog } = await calling(between);
    const cancelled = new Promise<void>((resolve) => {
      session.handlers = {
        onBye: () => {},
        onReinvite: (transaction) => {
          transaction.onCancel = resolve;
          between.core.send(cancelOf(theirs));
        },
      };
    });
    const theirs = inDialog('INVITE', 1);
    between.core.send(theirs);
    await cancelled;
    await between.core.response(theirs.headers.get('Call-ID'), 487);
    expect(session.ended).toBe(false);
  });

  it('is answered 488 without handlers', async () => {
    const between = await connected(closing);
    const { inDialog } = await calling(between);
    expect((await between.core.exchange(inDialog('INVITE', 1))).status).toBe(488);
  });

  it('changes nothing if its refusal is not acknowledged', async () => {
    const between = await connected(closing, 'tcp');
    const { session, inDialog } = await calling(between);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    expect((await between.core.exchange(inDialog('INVITE', 1))).status).toBe(488);
    await vi.advanceTimersByTimeAsync(32_000);
    expect(session.ended).toBe(false);
  });
});

describe('other requests within a session', () => {
  it('answers 405 with Allow to INFO, MESSAGE and REFER', async () => {
    const between = await connected(closing);
    const { inDialog } = await calling(between);
    let cseq = 0;
    for (const method of ['INFO', 'MESSAGE', 'REFER']) {
      const answer = await between.core.exchange(inDialog(method, ++cseq));
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.headers.getAll('Allow')).toEqual(
        expect.arrayContaining(['INVITE', 'ACK', 'CANCEL', 'BYE']),
      );
    }
  });

  it('accepts BYE and re-INVITE although the agent accepts no INVITE outside', async () => {
    const between = await connected(closing, 'udp', { methods: [] });
    const { session, inDialog } = await calling(between);
    const ends = watch(session);
    const options = await between.core.exchange(inDialog('OPTIONS', 1));
    expect(options.headers.getAll('Allow')).toContain('BYE');
    expect((await between.core.exchange(inDialog('INVITE', 2))).status).toBe(200);
    between.core.send(inDialog('ACK', 2));
    expect((await between.core.exchange(inDialog('BYE', 3))).status).toBe(200);
    expect(ends).toEqual(['bye']);
    const again = await between.core.exchange(inDialog('BYE', 4));
    expect(again.status).toBe(481);
  });
});

describe('15: the end of a session', () => {
  it('13.3.1.4: a 2xx without an ACK ends the session by BYE, and the end is reported', async () => {
    const between = await connected(closing, 'tcp');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { session } = await answering(between);
    const ends = watch(session);
    await vi.advanceTimersByTimeAsync(32_000);
    (await between.core.request('BYE')).respond(200);
    expect(ends).toEqual([expect.any(TimeoutError)]);
    expect(session.ended).toBe(true);
  });

  it('14.2: a 2xx to a re-INVITE without an ACK ends the session as well', async () => {
    const between = await connected(closing, 'tcp');
    const { session, inDialog } = await calling(between);
    const ends = watch(session);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    expect((await between.core.exchange(inDialog('INVITE', 1))).status).toBe(200);
    await vi.advanceTimersByTimeAsync(32_000);
    (await between.core.request('BYE')).respond(200);
    expect(ends).toEqual([expect.any(TimeoutError)]);
  });

  it('15: the callee sends no BYE before the ACK of its 2xx', async () => {
    const between = await connected(closing);
    const { session, inDialog } = await answering(between);
    const hungUp = session.bye();
    expect(session.ended).toBe(true);
    await between.core.response(inDialog('ACK', 1).headers.get('Call-ID'), 200);
    expect(between.core.requests.filter(({ request: { method } }) => method === 'BYE')).toEqual([]);
    between.core.send(inDialog('ACK', 1));
    (await between.core.request('BYE')).respond(200);
    expect((await hungUp)?.status).toBe(200);
  });

  it('ends all sessions by BYE in parallel when the agent stops, and reports them', async () => {
    const between = await connected(closing);
    const sessions = [await calling(between), await calling(between)];
    const ends = sessions.map(({ session }) => watch(session));
    const { session: called, inDialog } = await answering(between);
    ends.push(watch(called));
    between.core.send(inDialog('ACK', 1));
    const stopped = between.agent.stop();
    const byes = [
      await between.core.request('BYE'),
      await between.core.request('BYE'),
      await between.core.request('BYE'),
    ];
    for (const { respond } of byes) respond(200);
    await stopped;
    for (const end of ends) expect(end).toEqual([expect.any(TransportError)]);
  });

  it('waits for a BYE that was sent before the stop', async () => {
    const between = await connected(closing);
    const { session } = await calling(between);
    const hungUp = session.bye();
    const stopped = between.agent.stop();
    (await between.core.request('BYE')).respond(200);
    expect((await hungUp)?.status).toBe(200);
    await stopped;
  });

  it('limits the wait of a stop, and leaves no timer', async () => {
    const between = await connected(closing);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await calling(between);
    const { session } = await answering(between);
    const ends = watch(session);
    const stopped = between.agent.stop();
    await vi.advanceTimersByTimeAsync(5000);
    await stopped;
    expect(ends).toEqual([expect.any(TransportError)]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('answers 480 to an INVITE while the agent stops', async () => {
    const between = await connected(closing);
    await calling(between);
    const { transaction, invite } = await called(between);
    const stopped = between.agent.stop();
    const bye = await between.core.request('BYE');
    expect(() => between.agent.accept(transaction)).toThrow(TransportError);
    await between.core.response(invite.headers.get('Call-ID'), 480);
    bye.respond(200);
    await stopped;
  });
});

describe('a lost connection', () => {
  async function losing() {
    let report = () => {};
    const lost = new Promise<void>((resolve) => {
      report = resolve;
    });
    return { between: await connected(closing, 'tcp', { onDisconnected: () => report() }), lost };
  }

  it('sends a pending BYE again', async () => {
    const between = await connected(closing, 'tcp');
    const { session } = await calling(between);
    const hungUp = session.bye();
    await between.core.request('BYE');
    between.core.hangUp();
    (await between.core.request('BYE')).respond(481);
    expect((await hungUp)?.status).toBe(481);
  });

  it('does not end a session: later requests use the next connection', async () => {
    const { between, lost } = await losing();
    const { core } = between;
    const { session, inDialog } = await calling(between);
    const ends = watch(session);
    const before = between.agent.contact;
    core.hangUp();
    await lost;
    const changed = session.reinvite(BODY, SDP);
    const sent = await core.request('INVITE');
    expect(sent.request.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
    expect(between.agent.contact).not.toBe(before);
    sent.respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
    expect((await core.exchange(inDialog('INVITE', 1))).status).toBe(200);
    core.send(inDialog('ACK', 1));
    expect(ends).toEqual([]);
    const bye = session.bye();
    (await core.request('BYE')).respond(200);
    expect((await bye)?.status).toBe(200);
  });

  it('survives a restart of the core', async () => {
    const { between, lost } = await losing();
    const { session } = await calling(between);
    await between.core.close();
    await lost;
    const restarted = await ScriptedCore.tcp(between.core.port);
    closing.push(() => restarted.close());
    restarted.autoAnswered.add('BYE');
    const changed = session.reinvite(BODY, SDP);
    (await restarted.request('INVITE')).respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
    await restarted.request('ACK');
    expect((await session.bye())?.status).toBe(200);
  });

  it('a 2xx is sent again on the next connection, until it is acknowledged', async () => {
    const between = await connected(closing, 'tcp');
    const { core } = between;
    const { transaction, invite } = await called(between);
    core.hangUp();
    await until(() => expect(transaction.flow.closed).toBe(true));
    const session = between.agent.accept(transaction);
    const ends = watch(session);
    const answer = await core.response(invite.headers.get('Call-ID'), 200);
    const ack = { ...invite, method: 'ACK', headers: invite.headers.clone() };
    ack.headers.set('To', answer.headers.get('To') ?? '').set('CSeq', '1 ACK');
    core.send(ack);
    const bye = session.bye();
    (await core.request('BYE')).respond(200);
    expect((await bye)?.status).toBe(200);
    expect(ends).toEqual([]);
  });
});

it('12.2.2: answers 500 to a request with an old CSeq', async () => {
  const between = await connected(closing);
  const { session, inDialog } = await calling(between);
  watch(session);
  expect((await between.core.exchange(inDialog('INVITE', 7))).status).toBe(200);
  between.core.send(inDialog('ACK', 7));
  expect((await between.core.exchange(inDialog('INVITE', 6))).status).toBe(500);
});
