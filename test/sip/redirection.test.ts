/** 3xx responses (RFC 3261 §8.1.3.4), followed within the trust domain. */

import { afterEach, describe, expect, it } from 'vitest';
import { ALICE, type Closing, CONTACT, connected, inviting } from '../support/sip/invites.js';
import type { Received } from '../support/sip/scripted-core.js';

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const contacts = (...uris: string[]): [string, string][] => uris.map((uri) => ['Contact', uri]);
const identityOf = ({ request: { headers } }: Received) =>
  ['Call-ID', 'From', 'To'].map((name) => headers.get(name));

async function messaging() {
  const between = await connected(closing, 'tcp');
  const headers: [string, string][] = [['Content-Type', 'text/plain']];
  const answer = between.agent.request({ method: 'MESSAGE', uri: ALICE, headers, body: Buffer.from('x') });
  answer.catch(() => {});
  return { ...between, answer, sent: await between.core.request('MESSAGE') };
}

describe('a redirected MESSAGE', () => {
  it.each([300, 301, 302])('%i: goes to the new target, in the same dialog (§8.1.3.4)', async (status) => {
    const { core, answer, sent } = await messaging();
    sent.respond(status, contacts('<sip:alice-phone@domain.test;method=MESSAGE?Subject=x>'));
    const next = await core.request('MESSAGE');
    expect(next.request.uri).toBe('sip:alice-phone@domain.test');
    expect(identityOf(next)).toEqual(identityOf(sent));
    expect(next.request.headers.get('CSeq')).toBe('2 MESSAGE');
    expect(Buffer.from(next.request.body).toString()).toBe('x');
    next.respond(200);
    expect((await answer).status).toBe(200);
  });

  it('goes to the contacts in the order of q, until one accepts', async () => {
    const { core, answer, sent } = await messaging();
    sent.respond(
      300,
      contacts('<sip:c@domain.test>;q=0.1', '<sip:a@domain.test>;q=0.9', '<sip:b@domain.test>;q=0.5'),
    );
    const first = await core.request('MESSAGE');
    first.respond(404);
    const second = await core.request('MESSAGE');
    second.respond(200);
    expect([first, second].map(({ request }) => request.uri)).toEqual([
      'sip:a@domain.test',
      'sip:b@domain.test',
    ]);
    expect((await answer).status).toBe(200);
  });

  it('ends with a 6xx', async () => {
    const { core, answer, sent } = await messaging();
    sent.respond(300, contacts('<sip:a@domain.test>', '<sip:b@domain.test>'));
    (await core.request('MESSAGE')).respond(603);
    expect((await answer).status).toBe(603);
  });

  it.each([
    ['another domain', 302, '<sip:alice@elsewhere.test>'],
    ['its own target', 302, `<${ALICE}>`],
    ['no URI', 302, '*'],
    ['a telephone number', 302, '<tel:+15551234>'],
    ['a proxy', 305, '<sip:proxy@domain.test>'],
    ['another service', 380, '<sip:alice2@domain.test>'],
  ])('9-01: to %s is not followed', async (_what, status, contact) => {
    const { core, answer, sent } = await messaging();
    sent.respond(status, contacts(contact));
    expect((await answer).status).toBe(status);
    expect(core.requests.filter(({ request }) => request.method === 'MESSAGE')).toHaveLength(1);
  });

  it('ends after five targets, however they are named', async () => {
    const { core, answer, sent } = await messaging();
    sent.respond(302, contacts('<sip:user1@domain.test>'));
    for (let hop = 2; hop <= 5; hop++)
      (await core.request('MESSAGE')).respond(302, contacts(`<sip:user${hop}@domain.test>`));
    expect((await answer).status).toBe(302);
    expect(core.requests.filter(({ request }) => request.method === 'MESSAGE')).toHaveLength(5);
  });
});

it('a redirected INVITE goes to the new target, and its session is reported', async () => {
  const between = await connected(closing, 'tcp');
  const { answer, sessions, sent } = await inviting(between);
  sent.respond(302, contacts('<sip:alice-phone@domain.test>'));
  await between.core.request('ACK');
  const next = await between.core.request('INVITE');
  expect(next.request.uri).toBe('sip:alice-phone@domain.test');
  expect(identityOf(next)).toEqual(identityOf(sent));
  next.respond(200, [CONTACT]);
  expect((await answer).status).toBe(200);
  expect(sessions).toHaveLength(1);
});
