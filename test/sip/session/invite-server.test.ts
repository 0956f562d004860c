/** A received INVITE, and requests without a session (RFC 3261 §8.2, §9.2, §12.2.2, §13.3). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { TransportError } from '../../../core/errors.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import { answering, BOB, type Closing, called, cancelOf, connected } from '../../support/sip/invites.js';
import { request } from '../../support/sip/requests.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const ALLOW = ['OPTIONS', 'MESSAGE', 'INVITE', 'ACK', 'CANCEL', 'BYE', 'UPDATE', 'PRACK'];
const callId = ({ headers }: SipRequest) => headers.get('Call-ID');
const CONTACT = 'Contact: <sip:alice@127.0.0.1:5099>';

describe.each(['udp', 'tcp'] as const)('9.2: a CANCEL before the answer, over %s', (transport) => {
  it('is answered, reported, and the INVITE answered 487', async () => {
    const between = await connected(closing, transport);
    const { invite, transaction } = await called(between);
    let cancelled = 0;
    transaction.onCancel = () => cancelled++;
    between.core.send(cancelOf(invite));
    const ok = await between.core.response(callId(invite), 200);
    expect(ok.headers.get('CSeq')).toBe('1 CANCEL');
    const refused = await between.core.response(callId(invite), 487);
    expect(refused.headers.get('CSeq')).toBe('1 INVITE');
    between.core.send({ ...cancelOf(invite), method: 'ACK', headers: acknowledging(invite) });
    expect(cancelled).toBe(1);
    expect(transaction.answered).toBe(true);
    expect(() => between.agent.accept(transaction)).toThrow(TransportError);
  });

  function acknowledging(invite: SipRequest) {
    return invite.headers.clone().set('CSeq', '1 ACK');
  }

  it('is answered 481 without an INVITE', async () => {
    const between = await connected(closing, transport);
    const cancel = cancelOf(request('INVITE', BOB, [CONTACT]));
    expect((await between.core.exchange(cancel)).status).toBe(481);
  });

  it('after the 2xx changes nothing', async () => {
    const between = await connected(closing, transport);
    const { session, invite, inDialog } = await answering(between);
    between.core.send(cancelOf(invite));
    const ok = await between.core.response(callId(invite), 200);
    expect(ok.headers.get('CSeq')).toContain('CANCEL');
    between.core.send(inDialog('ACK', 1));
    expect((await between.core.exchange(inDialog('BYE', 2))).status).toBe(200);
    expect(session.ended).toBe(true);
  });
});

describe('12.2.2: a request of an unknown dialog', () => {
  const stray = (method: string) => {
    const sent = request(method, BOB, [CONTACT]);
    sent.headers.set('To', `<${BOB}>;tag=unknown`);
    return sent;
  };

  it.each(['INVITE', 'BYE', 'MESSAGE', 'OPTIONS'])('%s: 481', async (method) => {
    const { core, transactions } = await connected(closing);
    expect((await core.exchange(stray(method))).status).toBe(481);
    expect(transactions).toEqual([]);
  });

  it('a BYE without a tag: 481', async () => {
    const { core } = await connected(closing);
    expect((await core.exchange(request('BYE', BOB, []))).status).toBe(481);
  });

  it('an ACK: nothing', async () => {
    const { core, transactions } = await connected(closing);
    core.send(stray('ACK'));
    const options = request('OPTIONS', BOB, []);
    expect((await core.exchange(options)).status).toBe(200);
    expect(core.responses.map(({ headers }) => headers.get('Call-ID'))).toEqual([callId(options)]);
    expect(transactions).toEqual([]);
  });

  it.each(['UPDATE', 'PRACK'])('%s: 481, with a tag or without', async (method) => {
    const { core } = await connected(closing);
    for (const sent of [stray(method), request(method, BOB, [])]) {
      expect((await core.exchange(sent)).status).toBe(481);
    }
  });

  it('INFO: 405 with Allow', async () => {
    const { core } = await connected(closing);
    const answer = await core.exchange(request('INFO', BOB, []));
    expect(answer.status).toBe(405);
    expect(answer.headers.getAll('Allow')).toEqual(ALLOW);
  });
});

describe('8.2.2.3: unsupported extensions', () => {
  it.each(['precondition', 'replaces'])('Require: %s is 420', async (tag) => {
    const { core, transactions } = await connected(closing);
    const answer = await core.exchange(request('INVITE', BOB, [CONTACT, `Require: ${tag}`]));
    expect(answer.status).toBe(420);
    expect(answer.headers.getAll('Unsupported')).toEqual([tag]);
    expect(transactions).toEqual([]);
  });

  it('E.1.1-UE: with Require: 100rel the answer needs no provisional response (RFC 3262 §3), and a PRACK is 481', async () => {
    const between = await connected(closing);
    const { invite, transaction } = await called(between, ['Require: 100rel']);
    const session = between.agent.accept(transaction);
    const answer = await between.core.response(callId(invite), 200);
    expect(answer.headers.has('RSeq')).toBe(false);
    expect(answer.headers.getAll('Supported')).toEqual(['gruu', 'path', 'pref', 'timer', '100rel']);
    const within = (method: string, cseq: number) => {
      const sent = request(method, between.agent.contact, [CONTACT, 'RAck: 1 1 INVITE']);
      for (const name of ['Call-ID', 'From']) sent.headers.set(name, invite.headers.get(name) ?? '');
      sent.headers.set('To', answer.headers.get('To') ?? '').set('CSeq', `${cseq} ${method}`);
      return sent;
    };
    between.core.send(within('ACK', 1));
    expect((await between.core.exchange(within('PRACK', 2))).status).toBe(481);
    expect(session.ended).toBe(false);
  });
});

describe('17.2.1: an INVITE that is answered late', () => {
  it.each(['udp', 'tcp'] as const)('over %s: 100 within 200 ms, copies absorbed', async (transport) => {
    const between = await connected(closing, transport);
    const { invite, transaction } = await called(between);
    const trying = await between.core.response(callId(invite), 100);
    expect(trying.headers.get('To')).toBe(invite.headers.get('To'));
    between.core.send(invite);
    expect(await between.core.response(callId(invite), 100)).toEqual(trying);
    const session = between.agent.accept(transaction);
    const answer = await between.core.response(callId(invite), 200);
    expect(between.transactions).toHaveLength(1);
    const ack = { ...invite, method: 'ACK', headers: invite.headers.clone().set('CSeq', '1 ACK') };
    ack.headers.set('To', answer.headers.get('To') ?? '');
    between.core.send(ack);
    between.core.autoAnswered.add('BYE');
    expect((await session.bye())?.status).toBe(200);
  });
});

describe('13.3.1.4: a 2xx', () => {
  it('contains our Contact and capabilities, and the route of the INVITE', async () => {
    const between = await connected(closing);
    const routes = ['Record-Route: <sip:p2.invalid;lr>', 'Record-Route: <sip:p1.test;lr>'];
    const { invite, transaction } = await called(between, routes);
    const session = between.agent.accept(transaction);
    const { headers } = await between.core.response(callId(invite), 200);
    expect(headers.get('Contact')).toBe(`<${between.agent.contact}>`);
    expect(headers.getAll('Allow')).toEqual(expect.arrayContaining(['INVITE', 'ACK', 'CANCEL', 'BYE']));
    expect(headers.getAll('Accept')).toEqual(['application/sdp']);
    expect(headers.getAll('Record-Route')).toEqual(['<sip:p2.invalid;lr>', '<sip:p1.test;lr>']);
    const ack = { ...invite, method: 'ACK', headers: invite.headers.clone().set('CSeq', '1 ACK') };
    ack.headers.set('To', headers.get('To') ?? '');
    between.core.send(ack);
    const bye = session.bye();
    const sent = await between.core.request('BYE');
    // §12.1.1: the route set of the callee has the order of the INVITE.
    expect(sent.request.headers.getAll('Route')).toEqual(['<sip:p2.invalid;lr>', '<sip:p1.test;lr>']);
    sent.respond(200);
    await bye;
  });
});

describe('11.2: OPTIONS', () => {
  it('lists application/sdp if the agent accepts INVITE', async () => {
    const { core } = await connected(closing, 'udp', { accept: () => ['text/plain'] });
    const { headers } = await core.exchange(request('OPTIONS', BOB, []));
    expect(headers.getAll('Allow')).toEqual(ALLOW);
    expect(headers.getAll('Accept')).toEqual(['text/plain', 'application/sdp']);
  });

  it('does not list application/sdp otherwise', async () => {
    const { core } = await connected(closing, 'udp', { methods: ['MESSAGE'], accept: () => ['text/plain'] });
    const { headers } = await core.exchange(request('OPTIONS', BOB, []));
    expect(headers.getAll('Allow')).toEqual(['OPTIONS', 'MESSAGE']);
    expect(headers.getAll('Accept')).toEqual(['text/plain']);
  });
});
