import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SipResponse } from '../../core/sip/message/message.js';
import { parseNameAddr } from '../../core/sip/values/name-addr.js';
import { MAX_CONTACTS } from '../../sdk/network/registrar/location.js';
import { MIN_EXPIRES } from '../../sdk/network/registrar/registrar.js';
import { MemoryNetwork } from './memory-network.js';

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const DEVICE = `;+sip.instance="<${INSTANCE}>"`;

function contacts(response: SipResponse) {
  return response.headers.getAll('Contact').flatMap((value) => parseNameAddr(value) ?? []);
}

describe('registrar (RFC 3261 10.3)', () => {
  it('lists every binding with its remaining time and its feature tags unchanged', async () => {
    const network = new MemoryNetwork();
    await network.device(4001, { parameters: ';+g.oma.pusheventapp="mms.ua,wml.ua";expires=600' });
    const response = await network.peer(4002).register({ expires: 60 });
    expect(contacts(response).map(({ uri, parameters }) => `${uri} ${parameters}`)).toEqual([
      'sip:bob@127.0.0.1:4001;transport=tcp ;+g.oma.pusheventapp="mms.ua,wml.ua";expires=600',
      'sip:bob@127.0.0.1:4002;transport=tcp ;expires=60',
    ]);
    expect(response.headers.get('P-Associated-URI')).toBe('<sip:bob@domain.test>');
  });

  it('lists the bindings after a REGISTER without Contact', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001);
    const response = await device.send('REGISTER', 'sip:domain.test', {
      from: 'sip:bob@domain.test',
      to: 'sip:bob@domain.test',
    });
    expect(response.status).toBe(200);
    expect(contacts(response)).toHaveLength(1);
  });

  it('refreshes by Contact URI as RFC 3261 19.1.4 compares them; expires 0 removes one, * all', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { contact: '<sip:bob@192.0.2.4:4001>' });
    const other = await device.register({ contact: '<sip:%62ob@192.0.2.4:4001>' });
    expect(contacts(other)).toHaveLength(1);
    expect(contacts(await device.register({ contact: '<sip:bob@192.0.2.5>' }))).toHaveLength(2);
    const removed = await device.register({ contact: '<sip:bob@192.0.2.5>', parameters: ';expires=0' });
    expect(contacts(removed).map(({ uri }) => uri)).toEqual(['sip:%62ob@192.0.2.4:4001']);
    expect(contacts(await device.register({ contact: '*', expires: 0 }))).toHaveLength(0);
    expect(network.core.registrations()).toEqual([]);
  });

  it.each([
    ['* with another Contact', '*, <sip:bob@192.0.2.5>', 0],
    ['* without Expires: 0', '*', 60],
    ['a Contact that is too long', `<sip:${'b'.repeat(5000)}@192.0.2.5>`, 60],
  ])('%s: 400', async (_, contact, expires) => {
    const response = await new MemoryNetwork().peer(4001).register({ contact, expires });
    expect(response.status).toBe(400);
  });

  it('answers 500 to the same Call-ID with a lower CSeq, without a change', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { callId: 'boot' });
    const late = network.peer(4001);
    const response = await late.register({ callId: 'boot', expires: 0 });
    expect(response.status).toBe(500);
    expect(network.core.registrations()).toHaveLength(1);
    expect((await device.register({ callId: 'boot', expires: 0 })).status).toBe(200);
    expect(network.core.registrations()).toHaveLength(0);
  });

  it('answers 423 with Min-Expires to a duration that is too short', async () => {
    const network = new MemoryNetwork();
    const response = await network.peer(4001).register({ expires: MIN_EXPIRES - 1 });
    expect(response.status).toBe(423);
    expect(response.headers.get('Min-Expires')).toBe(String(MIN_EXPIRES));
    expect(network.core.registrations()).toEqual([]);
  });

  it('answers 403 to too many contacts, and keeps the existing ones', async () => {
    const network = new MemoryNetwork();
    for (let n = 0; n < MAX_CONTACTS; n++) await network.device(4001 + n);
    expect((await network.peer(4999).register()).status).toBe(403);
    expect(network.core.registrations()).toHaveLength(MAX_CONTACTS);
  });

  it('answers 404 for a domain that it cannot reach, and 420 to an unknown extension', async () => {
    const peer = new MemoryNetwork().peer(4001);
    const elsewhere = { from: 'sip:bob@other.test', to: 'sip:bob@other.test' };
    expect((await peer.send('REGISTER', 'sip:domain.test', elsewhere)).status).toBe(404);
    expect((await peer.send('REGISTER', 'sip:other.test', elsewhere)).status).toBe(404);
    const response = await peer.register({ headers: ['Require: pref, teleport'] });
    expect(response.status).toBe(420);
    expect(response.headers.get('Unsupported')).toBe('teleport');
  });

  it('stores Path, returns it, and uses it as Route (RFC 3327)', async () => {
    const network = new MemoryNetwork();
    const path = ['<sip:p1.edge.test;lr>', '<sip:p2.edge.test;lr>'];
    const edge = network.peer(4001);
    const response = await edge.register({ headers: [`Path: ${path.join(', ')}`] });
    expect(response.headers.getAll('Path')).toEqual(path);
    expect((await network.peer(4002).send('MESSAGE', 'sip:bob@domain.test')).status).toBe(200);
    expect(edge.requests[0]?.headers.getAll('Route')).toEqual(path);
  });
});

describe('GRUU (RFC 5627)', () => {
  it('6.1-09: returns a public and a temporary GRUU to a device that supports them', async () => {
    const network = new MemoryNetwork();
    const device = network.peer(4001);
    const [contact] = contacts(await device.register({ parameters: DEVICE }));
    expect(contact?.parameters.get('pub-gruu')).toBe(`sip:bob@domain.test;gr=${INSTANCE}`);
    expect(contact?.parameters.get('temp-gruu')).toMatch(/^sip:tgruu\.[0-9a-f]{32}@domain\.test;gr$/);
    const [again] = contacts(await device.register({ parameters: DEVICE }));
    expect(again?.parameters.get('temp-gruu')).not.toBe(contact?.parameters.get('temp-gruu'));
  });

  it('asks for keep-alives if the device can send them (RFC 6223 4.4)', async () => {
    const response = await new MemoryNetwork().peer(4001).register();
    expect(response.headers.via?.parameters.get('keep')).toBe('25');
  });

  it('returns no GRUU without +sip.instance, or without gruu in Supported', async () => {
    const network = new MemoryNetwork();
    const [contact] = contacts(await network.peer(4001).register());
    expect(contact?.parameters.has('pub-gruu')).toBe(false);
    const identity = 'sip:alice@domain.test';
    const headers = [`Contact: <sip:alice@192.0.2.7>${DEVICE}`];
    const plain = await network
      .peer(4002)
      .send('REGISTER', 'sip:domain.test', { from: identity, to: identity, headers });
    expect(contacts(plain)[0]?.parameters.has('pub-gruu')).toBe(false);
  });

  it('reaches one device by its public GRUU, and by every temporary one of its registration', async () => {
    const network = new MemoryNetwork();
    const one = network.peer(4001);
    const first = contacts(await one.register({ parameters: DEVICE }))[0]?.parameters;
    const second = contacts(await one.register({ parameters: DEVICE }))[0]?.parameters;
    const other = await network.device(4002, { parameters: ';+sip.instance="<urn:uuid:2>"' });
    const gruus = [first?.get('pub-gruu'), first?.get('temp-gruu'), second?.get('temp-gruu')];
    for (const gruu of gruus) {
      expect((await network.peer(4003).send('MESSAGE', gruu ?? '')).status).toBe(200);
    }
    expect(one.requests.map(({ uri }) => uri)).toEqual(Array(3).fill('sip:bob@127.0.0.1:4001;transport=tcp'));
    expect(other.requests).toEqual([]);
  });

  it('invalidates the older temporary GRUUs and Contact, but not the public GRUU, after a reboot (another Call-ID)', async () => {
    const network = new MemoryNetwork();
    const sender = network.peer(4003);
    const before = contacts(await network.peer(4001).register({ parameters: DEVICE }))[0]?.parameters;
    const rebooted = network.peer(4002);
    expect(contacts(await rebooted.register({ parameters: DEVICE }))).toHaveLength(1);
    expect((await sender.send('MESSAGE', before?.get('temp-gruu') ?? '')).status).toBe(404);
    expect((await sender.send('MESSAGE', before?.get('pub-gruu') ?? '')).status).toBe(200);
    expect(rebooted.methods).toEqual(['MESSAGE']);
  });

  it('answers 480 for the public GRUU of a de-registered device, and 404 for a temporary or invented one', async () => {
    const network = new MemoryNetwork();
    const device = network.peer(4001);
    const gruus = contacts(await device.register({ parameters: DEVICE }))[0]?.parameters;
    await device.register({ parameters: `${DEVICE};expires=0` });
    const send = async (uri = '') => (await network.peer(4002).send('MESSAGE', uri)).status;
    expect(await send(gruus?.get('pub-gruu'))).toBe(480);
    expect(await send(gruus?.get('temp-gruu'))).toBe(404);
    expect(await send(`sip:tgruu.${'0'.repeat(32)}@domain.test;gr`)).toBe(404);
  });

  it('reg-id: a device has several flows, keyed by it whatever the Contact is (RFC 5626)', async () => {
    const network = new MemoryNetwork();
    const flow1 = await network.device(4001, { parameters: `${DEVICE};reg-id=1` });
    const flow2 = await network.device(4002, {
      parameters: `${DEVICE};reg-id=2`,
      headers: ['Supported: outbound'],
    });
    expect(network.core.registrations()).toHaveLength(2);
    const moved = network.peer(4003);
    const response = await moved.register({
      parameters: `${DEVICE};reg-id=1`,
      headers: ['Supported: outbound'],
    });
    expect(response.headers.get('Require')).toBe('outbound');
    expect(contacts(response).map(({ uri }) => portOf(uri))).toEqual([4002, 4003]);
    // One flow of a device at a time; the other when that one is lost.
    moved.flow.closed = true;
    expect((await network.peer(4004).send('MESSAGE', 'sip:bob@domain.test')).status).toBe(200);
    expect([flow1.methods, flow2.methods, moved.methods]).toEqual([[], ['MESSAGE'], []]);
  });
});

describe('registrations end', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('when they expire', async () => {
    const ended: string[] = [];
    const network = new MemoryNetwork({
      onEvent: (event) => {
        if (event.event === 'deregistered') ended.push(`${event.identity} ${event.reason}`);
      },
    });
    await network.device(4001, { user: 'late', expires: 100 });
    await network.device(4002, { user: 'soon', expires: 50 });
    vi.advanceTimersByTime(40_000);
    await network.device(4002, { user: 'soon', expires: 50, callId: 'again' });
    expect(ended).toEqual([]);
    vi.advanceTimersByTime(49_999);
    expect(network.core.registrations().map(({ username }) => username)).toEqual(['late', 'soon']);
    vi.advanceTimersByTime(1);
    expect(ended).toEqual(['sip:soon@domain.test expired']);
    vi.advanceTimersByTime(10_000);
    expect(ended).toHaveLength(2);
    expect((await network.peer(4003).send('MESSAGE', 'sip:late@domain.test')).status).toBe(480);
  });

  it('when their connection closes', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001);
    device.close();
    expect(network.core.registrations()).toEqual([]);
  });
});

describe('digest (RFC 3261 22, RFC 8760)', () => {
  const users = { bob: { password: 'secret' }, alice: { password: 'other' } };

  it('challenges with SHA-256 before MD5, and accepts the right password', async () => {
    const network = new MemoryNetwork({ users });
    const peer = network.peer(4001);
    const challenged = await peer.register();
    expect(challenged.status).toBe(401);
    const algorithms = challenged.headers
      .getAll('WWW-Authenticate')
      .map((value) => /algorithm=([^,]*)/.exec(value)?.[1]);
    expect(algorithms).toEqual(['SHA-256', 'MD5']);
    expect((await peer.register({ password: 'secret' })).status).toBe(200);
    expect((await peer.register({ password: 'wrong' })).status).toBe(401);
  });

  it('answers 403 to a REGISTER for another user, and does not show whether a user exists', async () => {
    const peer = new MemoryNetwork({ users }).peer(4001);
    const foreign = (to: string) =>
      peer.send('REGISTER', 'sip:domain.test', {
        from: to,
        to,
        headers: ['Contact: <sip:bob@192.0.2.3>'],
        password: { username: 'bob', password: 'secret' },
      });
    expect((await foreign('sip:alice@domain.test')).status).toBe(403);
    expect((await foreign('sip:nobody@domain.test')).status).toBe(403);
    expect((await peer.register({ user: 'nobody' })).status).toBe(401);
  });
});

function portOf(uri: string): number {
  return Number(/:(\d+);/.exec(uri)?.[1]);
}
