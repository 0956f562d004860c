/** The registration event package of the network (RFC 3680), with GRUUs (RFC 5628). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  contactInstanceId,
  contactParameter,
  type Reginfo,
  type ReginfoContact,
} from '../../core/content/reginfo.js';
import { readReginfo } from '../../core/content/reginfo-reader.js';
import { isRequest, type SipRequest, type SipResponse } from '../../core/sip/message/message.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import { until } from '../support/wait.js';
import { MemoryNetwork, type MemoryPeer } from './memory-network.js';

const BOB = 'sip:bob@domain.test';
const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const DEVICE = `;+sip.instance="<${INSTANCE}>";+g.oma.pusheventapp="mms.ua,wml.ua"`;

interface Subscribing {
  expires?: number;
  from?: string;
  headers?: string[];
  uri?: string;
  event?: string;
}

const subscribe = (peer: MemoryPeer, options: Subscribing = {}) => {
  const { expires = 3600, from = 'sip:psa@domain.test', headers = [], uri = BOB, event = 'reg' } = options;
  const contact = `Contact: <sip:psa@127.0.0.1:${peer.at.port};transport=${peer.at.transport.toLowerCase()}>`;
  return peer.send('SUBSCRIBE', uri, {
    from: `<${from}>;tag=watcher`,
    callId: 'watch',
    headers: [
      `Event: ${event}`,
      contact,
      `Expires: ${expires}`,
      'Accept: application/reginfo+xml',
      ...headers,
    ],
  });
};

/** A later SUBSCRIBE of the same subscription. */
const resubscribe = (peer: MemoryPeer, accepted: SipResponse, expires: number) =>
  peer.send('SUBSCRIBE', /<(.*)>/.exec(accepted.headers.get('Contact') ?? '')?.[1] ?? '', {
    from: '<sip:psa@domain.test>;tag=watcher',
    to: accepted.headers.get('To') ?? '',
    callId: 'watch',
    headers: [
      'Event: reg',
      `Contact: <sip:psa@127.0.0.1:${peer.at.port};transport=${peer.at.transport.toLowerCase()}>`,
      `Expires: ${expires}`,
    ],
  });

const notifies = (peer: MemoryPeer) => peer.requests.filter(({ method }) => method === 'NOTIFY');
const states = (peer: MemoryPeer) => notifies(peer).map(({ headers }) => headers.get('Subscription-State'));

async function notified(peer: MemoryPeer, count: number): Promise<SipRequest> {
  await until(() => expect(notifies(peer)).toHaveLength(count));
  const last = notifies(peer)[count - 1];
  if (!last) throw new Error('expected a NOTIFY');
  return last;
}

const documentOf = async (peer: MemoryPeer, count: number): Promise<Reginfo> =>
  readReginfo((await notified(peer, count)).body);

function contactsOf({ registrations }: Reginfo): ReginfoContact[] {
  return registrations.flatMap(({ contacts }) => contacts);
}

describe('SUBSCRIBE', () => {
  it('B.1.2: returns the full state at once: contacts, feature tags, instance and GRUUs', async () => {
    const network = new MemoryNetwork();
    await network.device(4001, { parameters: `${DEVICE};q=0.5;audio`, expires: 600 });
    const psa = network.peer(4009);
    const accepted = await subscribe(psa);
    expect(accepted.status).toBe(200);
    expect(accepted.headers.get('Expires')).toBe('3600');
    expect(accepted.headers.get('Contact')).toBe('<sip:127.0.0.1:5060;transport=tcp>');
    const notify = await notified(psa, 1);
    expect(notify.headers.get('Event')).toBe('reg');
    expect(notify.headers.get('Subscription-State')).toBe('active;expires=3600');
    expect(notify.headers.get('To')).toContain(';tag=watcher');
    expect(notify.headers.get('From')).toBe(accepted.headers.get('To'));
    const document = readReginfo(notify.body);
    expect(document).toMatchObject({ version: 0, state: 'full' });
    expect(document.registrations).toMatchObject([{ aor: BOB, state: 'active' }]);
    const [contact] = contactsOf(document);
    if (!contact) throw new Error('expected a contact');
    expect(contact).toMatchObject({
      uri: 'sip:bob@127.0.0.1:4001;transport=tcp',
      state: 'active',
      event: 'registered',
      expires: 600,
      q: 0.5,
      cseq: 1,
      publicGruu: `${BOB};gr=${INSTANCE}`,
      temporaryGruu: { uri: expect.stringMatching(/^sip:tgruu\.\w+@domain.test;gr$/), firstCSeq: 1 },
    });
    expect(contactInstanceId(contact)).toBe(INSTANCE);
    expect(contactParameter(contact, '+g.oma.pusheventapp')).toBe('mms.ua,wml.ua');
    expect(contact.parameters.get('audio')).toBe('');
    expect(contact.parameters.has('q')).toBe(false);
  });

  it('returns GRUUs that reach the device', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { parameters: DEVICE });
    const psa = network.peer(4009);
    await subscribe(psa);
    const [contact] = contactsOf(await documentOf(psa, 1));
    for (const gruu of [contact?.publicGruu, contact?.temporaryGruu?.uri]) {
      expect((await psa.send('MESSAGE', gruu ?? '')).status).toBe(200);
    }
    expect(device.methods).toEqual(['MESSAGE', 'MESSAGE']);
  });

  it('B.1.3: is accepted before any registration, and reports the first one', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    await subscribe(psa);
    expect(await documentOf(psa, 1)).toEqual({
      version: 0,
      state: 'full',
      registrations: [{ aor: BOB, id: 'r0', state: 'init', contacts: [] }],
    });
    const device = await network.device(4001, { parameters: DEVICE });
    const second = await documentOf(psa, 2);
    expect(second).toMatchObject({ version: 1, state: 'partial' });
    expect(contactsOf(second)).toMatchObject([
      { event: 'registered', uri: expect.stringContaining(':4001') },
    ]);
    // The device received its response first.
    expect(device.responses.at(-1)?.status).toBe(200);
  });

  it('reports only changes: a refresh, a shorter expiry, a new contact, a removed contact, the last contact', async () => {
    const network = new MemoryNetwork();
    const first = await network.device(4001);
    const psa = network.peer(4009);
    await subscribe(psa);
    const [known] = contactsOf(await documentOf(psa, 1));
    await first.register();
    expect(contactsOf(await documentOf(psa, 2))).toMatchObject([{ id: known?.id, event: 'refreshed' }]);
    await first.register({ expires: 60 });
    expect(contactsOf(await documentOf(psa, 3))).toMatchObject([
      { id: known?.id, event: 'shortened', expires: 60 },
    ]);
    const second = await network.device(4002);
    const third = contactsOf(await documentOf(psa, 4));
    expect(third).toMatchObject([{ event: 'registered' }]);
    expect(third[0]?.id).not.toBe(known?.id);
    await first.register({ expires: 0 });
    const left = await documentOf(psa, 5);
    expect(left.registrations[0]?.state).toBe('active');
    expect(contactsOf(left)).toMatchObject([{ id: known?.id, state: 'terminated', event: 'unregistered' }]);
    second.close();
    const last = await documentOf(psa, 6);
    expect(last).toMatchObject({ version: 5, registrations: [{ state: 'terminated' }] });
    expect(contactsOf(last)).toMatchObject([{ state: 'terminated', event: 'deactivated' }]);
    await network.device(4003);
    expect((await documentOf(psa, 7)).registrations[0]?.state).toBe('active');
  });

  it('replaces the contact of a device that restarted with another contact', async () => {
    const network = new MemoryNetwork();
    await network.device(4001, { parameters: DEVICE, callId: 'boot-1' });
    const psa = network.peer(4009);
    await subscribe(psa);
    await notified(psa, 1);
    await network.device(4002, { parameters: DEVICE, callId: 'boot-2' });
    expect(contactsOf(await documentOf(psa, 2))).toMatchObject([
      { state: 'active', event: 'registered', uri: expect.stringContaining(':4002') },
      { state: 'terminated', event: 'deactivated', uri: expect.stringContaining(':4001') },
    ]);
  });

  it('reports all identities of the user as registered together', async () => {
    const users = {
      bob: { password: 'b', identities: [BOB, 'tel:+15550100'] },
      psa: { password: 'p' },
    };
    const network = new MemoryNetwork({ users, watchers: ['sip:psa@domain.test'] });
    await network.device(4001, { parameters: DEVICE, password: 'b' });
    const psa = await network.device(4009, { user: 'psa', password: 'p' });
    await subscribe(psa, { uri: 'tel:+15550100' });
    const document = await documentOf(psa, 1);
    expect(document.registrations).toMatchObject([
      { aor: BOB, state: 'active', contacts: [{ event: 'registered', publicGruu: `${BOB};gr=${INSTANCE}` }] },
      { aor: 'tel:+15550100', state: 'active', contacts: [{ event: 'created' }] },
    ]);
    const ids = contactsOf(document).map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect(contactsOf(document)[1]?.publicGruu).toBeUndefined();
  });

  it('sends changes during a pending NOTIFY in one', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    psa.answer = () => [];
    await subscribe(psa);
    const first = await notified(psa, 1);
    const device = await network.device(4001);
    await network.device(4002);
    await device.register({ expires: 0 });
    expect(notifies(psa)).toHaveLength(1);
    psa.deliver(buildResponse(first, 200));
    const document = await documentOf(psa, 2);
    expect(document).toMatchObject({ version: 1, state: 'partial' });
    expect(contactsOf(document)).toMatchObject([{ uri: expect.stringContaining(':4002'), state: 'active' }]);
  });

  it('escapes the parameters of a device', async () => {
    const network = new MemoryNetwork();
    await network.device(4001, {
      contact: '"<&>" <sip:b&b@127.0.0.1:4001;transport=tcp>',
      parameters: ';+g.x="<]]>&\u0085"',
    });
    const psa = network.peer(4009);
    await subscribe(psa);
    expect(contactsOf(await documentOf(psa, 1))).toMatchObject([
      { uri: 'sip:b&b@127.0.0.1:4001;transport=tcp', displayName: '<&>' },
    ]);
  });

  it.each([
    ['a user of the domain that is not permitted', { user: 'alice', from: 'sip:alice@domain.test' }, 403],
    ['the user', { user: 'bob', from: BOB }, 200],
    ['a permitted watcher', { user: 'psa', from: 'sip:psa@domain.test' }, 200],
  ])('%s: %j', async (_, { user, from }, status) => {
    const users = { bob: { password: 'x' }, alice: { password: 'x' }, psa: { password: 'x' } };
    const network = new MemoryNetwork({ users, watchers: ['sip:psa@domain.test'] });
    const peer = await network.device(4009, { user, password: 'x' });
    expect((await subscribe(peer, { from })).status).toBe(status);
  });

  it('accepts application servers and trusted peers, and challenges or refuses unknown sources', async () => {
    const network = new MemoryNetwork({
      users: { bob: { password: 'x' } },
      applicationServers: { 'sip:psa@domain.test': 'sip:127.0.0.1:5080;transport=udp' },
      trustedPeers: ['127.0.0.1:5081'],
    });
    expect((await subscribe(network.peer(5080, 'UDP'))).status).toBe(200);
    expect((await subscribe(network.peer(5081, 'UDP'))).status).toBe(200);
    expect((await subscribe(network.peer(5082, 'UDP'))).status).toBe(403);
    expect((await subscribe(network.peer(5083, 'UDP'), { from: BOB })).status).toBe(407);
  });

  it.each([
    ['a SUBSCRIBE with a short duration', { expires: 5 }, 423],
    ['a SUBSCRIBE that also accepts other types', { headers: ['Accept: text/plain'] }, 200],
    ['a SUBSCRIBE without a user', { uri: 'sip:domain.test' }, 404],
    ['a SUBSCRIBE to an unknown user', { uri: 'tel:+1' }, 404],
  ])('%s: %j', async (_, options, status) => {
    const network = new MemoryNetwork();
    expect((await subscribe(network.peer(4009), options)).status).toBe(status);
  });

  it('answers 406 if it accepts other types only', async () => {
    const peer = new MemoryNetwork().peer(4009);
    const response = await peer.send('SUBSCRIBE', BOB, {
      headers: ['Event: reg', 'Contact: <sip:psa@127.0.0.1:4009>', 'Accept: text/plain'],
    });
    expect([response.status, response.headers.get('Accept')]).toEqual([406, 'application/reginfo+xml']);
  });

  it('answers 400 without a Contact', async () => {
    const peer = new MemoryNetwork().peer(4009);
    expect((await peer.send('SUBSCRIBE', BOB, { headers: ['Event: reg'] })).status).toBe(400);
  });

  it('forwards a SUBSCRIBE to other packages to the devices', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001);
    await subscribe(network.peer(4009), { event: 'presence' });
    expect(device.methods).toEqual(['SUBSCRIBE']);
  });

  it('limits the watchers of one user to a hundred', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    const one = async (call: number) =>
      await psa.send('SUBSCRIBE', BOB, {
        callId: `watch-${call}`,
        headers: ['Event: reg', 'Contact: <sip:psa@127.0.0.1:4009;transport=tcp>'],
      });
    for (let call = 0; call < 100; call++) expect((await one(call)).status).toBe(200);
    const refused = await one(100);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([500, '60']);
  });
});

describe('a subscription of the network', () => {
  it('sends the full state after a refresh, with a higher version', async () => {
    const network = new MemoryNetwork();
    await network.device(4001);
    const psa = network.peer(4009);
    const accepted = await subscribe(psa);
    await notified(psa, 1);
    const refreshed = await resubscribe(psa, accepted, 600);
    expect([refreshed.status, refreshed.headers.get('Expires')]).toEqual([200, '600']);
    expect(await documentOf(psa, 2)).toMatchObject({ version: 1, state: 'full' });
    expect(contactsOf(await documentOf(psa, 2))).toHaveLength(1);
  });

  it('ends with Expires: 0 and a last NOTIFY, and is unknown then', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    const accepted = await subscribe(psa);
    await notified(psa, 1);
    expect((await resubscribe(psa, accepted, 0)).status).toBe(200);
    await notified(psa, 2);
    expect(states(psa)).toEqual(['active;expires=3600', 'terminated;reason=timeout']);
    await until(async () => expect((await resubscribe(psa, accepted, 600)).status).toBe(481));
    await network.device(4001);
    expect(notifies(psa)).toHaveLength(2);
  });

  it('sends one NOTIFY if it starts with Expires: 0', async () => {
    const network = new MemoryNetwork();
    await network.device(4001);
    const psa = network.peer(4009);
    await subscribe(psa, { expires: 0 });
    expect(contactsOf(await documentOf(psa, 1))).toHaveLength(1);
    expect(states(psa)).toEqual(['terminated;reason=timeout']);
  });

  it.each([481, 404, 489])('ends when a NOTIFY is answered %i', async (status) => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    psa.answer = () => [status];
    const accepted = await subscribe(psa);
    await notified(psa, 1);
    expect((await resubscribe(psa, accepted, 600)).status).toBe(481);
  });

  it('continues when a NOTIFY is answered 500', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    psa.answer = () => [500];
    const accepted = await subscribe(psa);
    await notified(psa, 1);
    expect((await resubscribe(psa, accepted, 600)).status).toBe(200);
  });

  it('reaches a watcher on its new connection by its GRUU', async () => {
    const network = new MemoryNetwork();
    const gruu = 'sip:psa@domain.test;gr=urn:uuid:1';
    const parameters = ';+sip.instance="<urn:uuid:1>"';
    const first = await network.device(4009, { user: 'psa', parameters });
    await first.send('SUBSCRIBE', BOB, { headers: ['Event: reg', `Contact: <${gruu}>`] });
    await notified(first, 1);
    first.close();
    const second = await network.device(4010, { user: 'psa', parameters });
    await network.device(4001);
    expect((await notified(second, 1)).uri).toBe('sip:psa@127.0.0.1:4010;transport=tcp');
  });
});

describe('timeouts', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const settle = () => vi.advanceTimersByTimeAsync(0);

  it('ends a subscription that is not refreshed, with a NOTIFY', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    await subscribe(psa, { expires: 60 });
    await vi.advanceTimersByTimeAsync(61_000);
    const all = ['active;expires=60', 'terminated;reason=timeout'];
    expect(states(psa)).toEqual(all);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(states(psa)).toEqual(all);
  });

  it('reports an expired contact as expired', async () => {
    const network = new MemoryNetwork();
    await network.device(4001, { expires: 30 });
    const psa = network.peer(4009);
    await subscribe(psa);
    await vi.advanceTimersByTimeAsync(31_000);
    const last = notifies(psa).at(-1);
    expect(contactsOf(readReginfo(last?.body ?? new Uint8Array()))).toMatchObject([
      { state: 'terminated', event: 'expired' },
    ]);
    expect(last?.headers.get('Subscription-State')).toBe('active;expires=3570');
  });

  it('ends the subscription of a watcher that does not answer', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    psa.answer = () => [];
    const accepted = await subscribe(psa);
    await vi.advanceTimersByTimeAsync(33_000);
    expect((await resubscribe(psa, accepted, 600)).status).toBe(481);
    await network.core.close();
  });

  it('sends nothing after the network closes', async () => {
    const network = new MemoryNetwork();
    const psa = network.peer(4009);
    await subscribe(psa);
    await settle();
    await network.core.close();
    await vi.advanceTimersByTimeAsync(7_200_000);
    expect(psa.requests.filter(isRequest)).toHaveLength(1);
  });
});
