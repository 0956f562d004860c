/** Reliable provisional responses to an INVITE of this end (RFC 3262). */

import { afterEach, describe, expect, it } from 'vitest';
import type { SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { type Closing, CONTACT, connected, inviting, onlyOne } from '../../support/sip/invites.js';
import { request } from '../../support/sip/requests.js';

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function ringing() {
  const between = await connected(closing, 'tcp');
  const answers: SipResponse[] = [];
  const { answer, sessions, sent } = await inviting(between, {
    onSession: (session, response) => {
      answers.push(response);
      sessions.push(session);
    },
  });
  const respond = (status: number, rseq: number | string | undefined, body = '', tag = 'phone') => {
    const reliable: [string, string][] =
      rseq === undefined
        ? []
        : [
            ['Require', '100rel'],
            ['RSeq', String(rseq)],
          ];
    const headers: [string, string][] = [
      CONTACT,
      ['Record-Route', '<sip:p1.test;lr>'],
      ...reliable,
      ...(body === '' ? [] : [['Content-Type', 'application/sdp'] as [string, string]]),
    ];
    between.core.send(buildResponse(sent.request, status, { toTag: tag, headers, body: Buffer.from(body) }));
  };
  return { ...between, answer, answers, sessions, sent, respond };
}

it('are acknowledged by PRACK in their early dialog, in order, and once', async () => {
  const { core, answer, sessions, sent, respond } = await ringing();
  respond(183, 7);
  const first = await core.request('PRACK');
  expect(first.request.headers.get('RAck')).toBe('7 1 INVITE');
  expect(first.request.headers.get('CSeq')).toBe('2 PRACK');
  expect(first.request.uri).toBe('sip:alice@127.0.0.1:5099');
  expect(first.request.headers.getAll('Route')).toEqual(['<sip:p1.test;lr>']);
  expect(first.request.headers.to?.tag).toBe('phone');
  first.respond(200);
  // A retransmission, a gap, and one that is not a number.
  respond(183, 7);
  respond(180, 9);
  respond(180, 'x');
  respond(180, 8);
  const second = await core.request('PRACK');
  expect(second.request.headers.get('RAck')).toBe('8 1 INVITE');
  second.respond(200);
  respond(200, undefined);
  expect((await answer).status).toBe(200);
  expect((await core.request('ACK')).request.headers.get('CSeq')).toBe('1 ACK');
  void onlyOne(sessions).bye();
  const bye = await core.request('BYE');
  // RFC 3261 §12.2.1.1: the numbers of the dialog continue after those of the early dialog.
  expect(bye.request.headers.get('CSeq')).toBe('4 BYE');
  expect(bye.request.headers.get('Call-ID')).toBe(sent.request.headers.get('Call-ID'));
  bye.respond(200);
  expect(core.requests.filter(({ request }) => request.method === 'PRACK')).toHaveLength(2);
});

it('can have the answer, which the 2xx need not repeat (RFC 3262 §5)', async () => {
  const { core, answer, answers, respond } = await ringing();
  respond(183, 1, 'v=0\r\n');
  (await core.request('PRACK')).respond(200);
  respond(200, undefined);
  await answer;
  const [accepted] = answers;
  expect(Buffer.from(accepted?.body ?? [])).toEqual(Buffer.from('v=0\r\n'));
  expect(accepted?.headers.get('Content-Type')).toBe('application/sdp');
});

it('of each branch of a fork are acknowledged in a dialog of their own', async () => {
  const { core, respond, sent } = await ringing();
  for (const tag of ['phone', 'tablet']) {
    respond(180, 1, '', tag);
    const prack = await core.request('PRACK');
    expect(prack.request.headers.to?.tag).toBe(tag);
    expect(prack.request.headers.get('CSeq')).toBe('2 PRACK');
    prack.respond(200);
  }
  sent.respond(486);
});

it('without Require: 100rel need no PRACK', async () => {
  const { core, answer, respond } = await ringing();
  respond(180, undefined);
  respond(486, undefined);
  expect((await answer).status).toBe(486);
  expect(core.requests.filter(({ request }) => request.method === 'PRACK')).toEqual([]);
});

describe('an UPDATE before the INVITE is answered (RFC 3311)', () => {
  async function early() {
    const scene = await ringing();
    const { core, sent } = scene;
    let cseq = 0;
    const update = (body = '', tag = 'phone') => {
      const message = request('UPDATE', 'sip:bob@127.0.0.1:9', ['Contact: <sip:moved@127.0.0.1:5099>']);
      message.headers
        .set('Call-ID', sent.request.headers.get('Call-ID') ?? '')
        .set('From', `${sent.request.headers.get('To')};tag=${tag}`)
        .set('To', sent.request.headers.get('From') ?? '')
        .set('CSeq', `${++cseq} UPDATE`);
      if (body !== '') message.headers.set('Content-Type', 'application/sdp');
      return core.exchange({ ...message, body: Buffer.from(body) });
    };
    return { ...scene, update };
  }

  it.each([
    ['reliable', 1],
    ['other', undefined],
  ])('changes the target of the early dialog of a %s response', async (_what, rseq) => {
    const { core, answer, respond, update, sessions, sent } = await early();
    respond(180, rseq);
    if (rseq !== undefined) (await core.request('PRACK')).respond(200);
    expect((await update()).status).toBe(200);
    // The 2xx has no Contact of its own.
    core.send(buildResponse(sent.request, 200, { toTag: 'phone' }));
    expect((await answer).status).toBe(200);
    expect((await core.request('ACK')).request.uri).toBe('sip:moved@127.0.0.1:5099');
    core.autoAnswered.add('BYE');
    void onlyOne(sessions).bye();
    expect((await core.request('BYE')).request.uri).toBe('sip:moved@127.0.0.1:5099');
  });

  it('with an offer is refused: 491 before our offer has an answer, then 488', async () => {
    const { core, respond, update, sent } = await early();
    respond(183, 1);
    (await core.request('PRACK')).respond(200);
    expect((await update('v=0\r\n')).status).toBe(491);
    respond(183, 2, 'v=0\r\n');
    (await core.request('PRACK')).respond(200);
    expect((await update('v=0\r\n')).status).toBe(488);
    sent.respond(486);
  });

  it('of another dialog, or after the INVITE is refused, is answered 481', async () => {
    const { core, respond, update, answer } = await early();
    respond(183, 1);
    (await core.request('PRACK')).respond(200);
    expect((await update('', 'tablet')).status).toBe(481);
    respond(486, undefined);
    await answer;
    expect((await update()).status).toBe(481);
  });
});
