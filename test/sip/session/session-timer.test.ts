/** Session timers (RFC 4028) and UPDATE (RFC 3311), at both ends. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TimeoutError } from '../../../core/errors.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import type { InviteSession } from '../../../core/sip/session/invite-session.js';
import {
  answering,
  BOB,
  type Closing,
  CONTACT,
  type Connected,
  called,
  calling,
  connected,
  inviting,
  onlyOne,
} from '../../support/sip/invites.js';
import { request } from '../../support/sip/requests.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const BODY = new TextEncoder().encode('v=0\r\n');
const SDP: [string, string][] = [['Content-Type', 'application/sdp']];
const callId = ({ headers }: SipRequest) => headers.get('Call-ID');
const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

/** A session that the agent began, with this answer. */
async function began(between: Connected, headers: [string, string][]) {
  const { answer, sessions, sent } = await inviting(between);
  sent.respond(200, [CONTACT, ...headers]);
  await answer;
  await between.core.request('ACK');
  const session = onlyOne(sessions);
  return { session, invite: sent.request, ends: watch(session) };
}

function watch(session: InviteSession): Error[] {
  const ends: Error[] = [];
  session.handlers = {
    onBye: () => {},
    onReinvite: (transaction) => session.accept(transaction, { headers: SDP, body: BODY }),
    describe: () => ({ body: BODY, headers: SDP }),
    onEnd: (error) => ends.push(error),
  };
  return ends;
}

/** A session that the peer began; acknowledged. */
async function accepted(between: Connected, lines: readonly string[]) {
  const { invite, transaction } = await called(between, lines);
  const session = between.agent.accept(transaction);
  const ends = watch(session);
  const answer = await between.core.response(callId(invite), 200);
  const within = (method: string, cseq: number, more: readonly string[] = [], body = '') => {
    const sent = request(method, between.agent.contact, [`Contact: ${CONTACT[1]}`, ...more], body);
    for (const name of ['Call-ID', 'From']) sent.headers.set(name, invite.headers.get(name) ?? '');
    sent.headers.set('To', answer.headers.get('To') ?? '').set('CSeq', `${cseq} ${method}`);
    return sent;
  };
  between.core.send(within('ACK', 1));
  expect((await between.core.exchange(within('OPTIONS', 2))).status).toBe(200);
  return { session, answer, within, ends };
}

describe('an INVITE of this end', () => {
  it('E.1.1-UE: supports session timers and reliable responses', async () => {
    const between = await connected(closing);
    const { sent } = await calling(between);
    expect(sent.headers.getAll('Supported')).toEqual(['gruu', 'timer', '100rel']);
    expect(sent.headers.has('Session-Expires')).toBe(false);
  });

  it('is sent again with a longer interval after a 422 (RFC 4028 §7.3)', async () => {
    const between = await connected(closing);
    const { answer, sent } = await inviting(between);
    sent.respond(422, [['Min-SE', '600']]);
    await between.core.request('ACK');
    const again = await between.core.request('INVITE');
    expect(again.request.headers.get('Session-Expires')).toBe('600');
    expect(again.request.headers.get('Min-SE')).toBe('600');
    expect(callId(again.request)).toBe(callId(sent.request));
    expect(again.request.headers.get('From')).toBe(sent.request.headers.get('From'));
    expect(again.request.headers.get('CSeq')).toBe('2 INVITE');
    again.respond(422, [['Min-SE', '1200']]);
    expect((await answer).status).toBe(422);
  });

  it.each(['uac', undefined])(
    'with refresher %s in its 2xx is refreshed by UPDATE, if the peer allows it',
    async (refresher) => {
      const between = await connected(closing, 'tcp');
      fakeTimers();
      const value = refresher ? `90;refresher=${refresher}` : '90';
      const { session } = await began(between, [
        ['Session-Expires', value],
        ['Allow', 'INVITE, ACK, BYE, UPDATE'],
      ]);
      for (let times = 0; times < 2; times++) {
        await vi.advanceTimersByTimeAsync(45_000);
        const { request: update, respond } = await between.core.request('UPDATE');
        expect(update.body).toHaveLength(0);
        expect(update.headers.get('Session-Expires')).toBe('90;refresher=uac');
        expect(update.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
        respond(200, [CONTACT, ['Session-Expires', '90;refresher=uac']]);
        await between.core.exchange(request('OPTIONS', BOB));
      }
      expect(session.ended).toBe(false);
    },
  );

  it('is refreshed by re-INVITE otherwise, and again with the interval of a 422', async () => {
    const between = await connected(closing, 'tcp');
    fakeTimers();
    await began(between, [['Session-Expires', '90;refresher=uac']]);
    await vi.advanceTimersByTimeAsync(45_000);
    const refused = await between.core.request('INVITE');
    expect(Buffer.from(refused.request.body)).toEqual(Buffer.from(BODY));
    expect(refused.request.headers.get('Session-Expires')).toBe('90;refresher=uac');
    refused.respond(422, [['Min-SE', '120']]);
    await between.core.request('ACK');
    const again = await between.core.request('INVITE');
    expect(again.request.headers.get('Session-Expires')).toBe('120;refresher=uac');
    expect(again.request.headers.get('Min-SE')).toBe('120');
    again.respond(200, [CONTACT]);
    await between.core.request('ACK');
  });

  it('ends with BYE if no refresh of either end succeeds in time (RFC 4028 §10)', async () => {
    const between = await connected(closing, 'tcp');
    between.core.autoAnswered.add('BYE');
    fakeTimers();
    const { session, ends } = await began(between, [['Session-Expires', '90;refresher=uas']]);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(session.ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await between.core.request('BYE');
    expect(ends).toEqual([expect.any(TimeoutError)]);
  });
});

describe('an INVITE of the peer', () => {
  it('with an interval of less than 90 s is answered 422, if the peer supports timers (RFC 4028 §9)', async () => {
    const { core, transactions } = await connected(closing);
    const lines = [`Contact: ${CONTACT[1]}`, 'Supported: timer', 'Session-Expires: 89'];
    const answer = await core.exchange(request('INVITE', BOB, lines));
    expect(answer.status).toBe(422);
    expect(answer.headers.get('Min-SE')).toBe('90');
    expect(transactions).toEqual([]);
  });

  it.each([
    ['Require: timer', '', '300;refresher=uac', ['timer']],
    ['Supported: timer', '', '300;refresher=uac', ['timer']],
    ['Supported: timer', ';refresher=uas', '300;refresher=uas', []],
    ['Supported: path', '', '300;refresher=uas', []],
  ])('%s, Session-Expires: 300%s: the 2xx has %s', async (supported, refresher, agreed, required) => {
    const between = await connected(closing);
    const { answer } = await accepted(between, [supported, `Session-Expires: 300${refresher}`]);
    expect(answer.headers.get('Session-Expires')).toBe(agreed);
    expect(answer.headers.getAll('Require')).toEqual(required);
  });

  it('is refreshed by this end if the peer cannot', async () => {
    const between = await connected(closing, 'tcp');
    fakeTimers();
    await accepted(between, ['Session-Expires: 90', 'Allow: UPDATE']);
    await vi.advanceTimersByTimeAsync(45_000);
    const { request: update, respond } = await between.core.request('UPDATE');
    expect(update.headers.get('Session-Expires')).toBe('90;refresher=uac');
    respond(200, [CONTACT]);
  });

  it('continues while the peer refreshes it by UPDATE or re-INVITE', async () => {
    const between = await connected(closing, 'tcp');
    between.core.autoAnswered.add('BYE');
    fakeTimers();
    const timer = ['Supported: timer', 'Session-Expires: 90;refresher=uac'];
    const { session, within, ends } = await accepted(between, timer);
    for (const [index, method] of ['UPDATE', 'INVITE', 'UPDATE'].entries()) {
      await vi.advanceTimersByTimeAsync(50_000);
      const answer = await between.core.exchange(within(method, index + 3, timer));
      expect(answer.status).toBe(200);
      expect(answer.headers.get('Session-Expires')).toBe('90;refresher=uac');
      expect(answer.headers.get('Contact')).toBe(`<${between.agent.contact}>`);
      if (method === 'INVITE') between.core.send(within('ACK', index + 3));
    }
    expect(session.ended).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    await between.core.request('BYE');
    expect(ends).toEqual([expect.any(TimeoutError)]);
  });
});

describe('UPDATE (RFC 3311)', () => {
  it('with an offer is a change of the session, answered without an ACK', async () => {
    const between = await connected(closing);
    const { session, within } = await accepted(between, []);
    const answer = await between.core.exchange(
      within('UPDATE', 3, ['Content-Type: application/sdp'], 'v=0\r\n'),
    );
    expect(answer.status).toBe(200);
    expect(Buffer.from(answer.body)).toEqual(Buffer.from(BODY));
    expect(session.ended).toBe(false);
  });

  it('changes the target of the dialog', async () => {
    const between = await connected(closing);
    const { session, within } = await accepted(between, []);
    const update = within('UPDATE', 3);
    update.headers.set('Contact', '<sip:alice@127.0.0.2:5099>');
    expect((await between.core.exchange(update)).status).toBe(200);
    void session.bye();
    const { request: bye, respond } = await between.core.request('BYE');
    expect(bye.uri).toBe('sip:alice@127.0.0.2:5099');
    respond(200);
  });

  it('with an offer is answered 491 while a re-INVITE of this end is pending (§5.2)', async () => {
    const between = await connected(closing);
    const { session, within } = await accepted(between, []);
    const changed = session.reinvite(BODY, SDP);
    const reinvite = await between.core.request('INVITE');
    const update = within('UPDATE', 3, ['Content-Type: application/sdp'], 'v=0\r\n');
    expect((await between.core.exchange(update)).status).toBe(491);
    reinvite.respond(200, [CONTACT]);
    expect((await changed).status).toBe(200);
  });
});

it('a session without Session-Expires has no timer', async () => {
  const between = await connected(closing);
  const { answer } = await answering(between);
  expect(answer.headers.has('Session-Expires')).toBe(false);
});
