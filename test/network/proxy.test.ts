import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isRequest, type SipRequest, type SipResponse } from '../../core/sip/message/message.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import { NON_INVITE_DEADLINE } from '../../sdk/network/proxy/fork.js';
import { until } from '../support/wait.js';
import { MemoryNetwork, type MemoryPeer } from './memory-network.js';

const BOB = 'sip:bob@domain.test';
const BINARY = Uint8Array.from({ length: 512 }, (_, at) => at % 256);

function statuses(peer: MemoryPeer): number[] {
  return peer.responses.map(({ status }) => status);
}

function isStatus(status: number) {
  return (message: SipRequest | SipResponse): message is SipResponse =>
    !isRequest(message) && message.status === status;
}

describe('a request to a user', () => {
  it('is sent to the Contact, over the flow of its REGISTER, with an unchanged body', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { contact: '<sip:inner@10.0.0.7:5060>' });
    const sender = network.peer(4002, 'UDP');
    const response = await sender.send('MESSAGE', BOB, {
      headers: ['Content-Type: application/octet-stream'],
      body: BINARY,
    });
    expect(response.status).toBe(200);
    const [request] = device.requests;
    expect(request?.uri).toBe('sip:inner@10.0.0.7:5060');
    expect(request?.headers.get('Max-Forwards')).toBe('69');
    expect(request?.headers.getAll('Via')).toHaveLength(2);
    expect(request?.headers.has('Record-Route')).toBe(false);
    expect(Buffer.compare(request?.body ?? new Uint8Array(), BINARY)).toBe(0);
    expect(response.headers.getAll('Via')).toHaveLength(1);
  });

  it('to a port of the network is a request to its domain', async () => {
    const network = new MemoryNetwork();
    await network.device(4001);
    expect((await network.peer(4002).send('MESSAGE', 'sip:bob@127.0.0.1:5060')).status).toBe(200);
  });

  it.each([
    ['a user that does not exist', 'sip:nobody@domain.test', 404],
    ['a user that is not registered', 'sip:alice@domain.test', 480],
    ['another domain', 'sip:bob@elsewhere.test', 404],
    ['an address outside this machine', 'sip:bob@192.0.2.9', 403],
    ['an unassigned telephone number', 'tel:+15551234', 404],
    ['the domain itself', 'sip:domain.test', 404],
    ['a scheme that is not SIP', 'mailto:bob@domain.test', 416],
  ])('to %s', async (_, uri, status) => {
    const users = { bob: { password: 'b' }, alice: { password: 'a' }, psa: { password: 'p' } };
    const sender = new MemoryNetwork({ users }).peer(4002);
    const password = { username: 'psa', password: 'p' };
    expect((await sender.send('MESSAGE', uri, { password })).status).toBe(status);
  });

  it('reaches a user by telephone number, with or without separators', async () => {
    const identities = ['sip:bob@domain.test', 'tel:+1-555-0100'];
    const network = new MemoryNetwork({ users: { bob: { password: 'b', identities } } });
    const device = await network.device(4001, { password: 'b' });
    const from = 'sip:stranger@elsewhere.test';
    expect((await network.peer(4002).send('MESSAGE', 'tel:+1.555.0100', { from })).status).toBe(200);
    expect(device.requests[0]?.uri).toContain('sip:bob@');
  });

  it('OPTIONS to the domain is answered by the network', async () => {
    const response = await new MemoryNetwork().peer(4001).send('OPTIONS', 'sip:domain.test');
    expect(response.status).toBe(200);
    expect(response.headers.getAll('Allow')).toContain('MESSAGE');
  });

  it('is sent to an application server by its service identity, and its answer returns', async () => {
    const network = new MemoryNetwork({
      applicationServers: { 'sip:psa@domain.test': 'sip:127.0.0.1:5080;transport=udp' },
    });
    const server = network.peer(5080, 'UDP');
    const response = await network.peer(4001).send('OPTIONS', 'sip:psa@domain.test', { from: BOB });
    expect(response.status).toBe(200);
    expect(server.requests[0]?.uri).toBe('sip:psa@domain.test');
  });

  it('Max-Forwards: 0 is 483, an unknown Proxy-Require 420', async () => {
    const network = new MemoryNetwork();
    await network.device(4001);
    const sender = network.peer(4002);
    expect((await sender.send('MESSAGE', BOB, { maxForwards: 0 })).status).toBe(483);
    const refused = await sender.send('MESSAGE', BOB, { headers: ['Proxy-Require: teleport'] });
    expect(refused.status).toBe(420);
    expect(refused.headers.get('Unsupported')).toBe('teleport');
  });

  it('is answered 482 if it returns in a loop', async () => {
    const network = new MemoryNetwork();
    const looping = await network.device(4001);
    looping.answer = (request) => {
      const via = looping.request('MESSAGE', BOB).headers.get('Via') ?? '';
      const headers = request.headers.clone().prepend('Via', via);
      looping.deliver({ ...request, uri: BOB, headers });
      return [];
    };
    const pending = network.peer(4002).send('MESSAGE', BOB);
    await looping.next(isStatus(482));
    expect(looping.requests).toHaveLength(1);
    const [request] = looping.requests;
    if (request) looping.respond(request, 200);
    expect((await pending).status).toBe(200);
  });

  it('counts the device as not registered if its connection is lost meanwhile', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001);
    device.answer = () => {
      device.close();
      return [];
    };
    expect((await network.peer(4002).send('MESSAGE', BOB)).status).toBe(480);
  });
});

describe('forking (RFC 3261 16.7)', () => {
  async function fork(answers: readonly number[], method = 'MESSAGE') {
    const network = new MemoryNetwork();
    const devices = await Promise.all(answers.map((_, n) => network.device(4001 + n)));
    for (const [n, device] of devices.entries()) device.answer = () => [answers[n] ?? 500];
    const response = await network.peer(5000).send(method, BOB);
    return { response, devices };
  }

  it.each([
    ['a 2xx, whatever the other responses', [486, 200, 603], 200],
    ['a 6xx, before other failures', [486, 302, 603], 603],
    ['the lowest class', [500, 415, 301], 301],
    ['within 4xx, a response that helps the caller to retry', [486, 403, 415], 415],
    ['500 for a 503', [503], 500],
    ['480 for a flow that an edge proxy lost', [430], 480],
  ])('forwards %s', async (_, answers, status) => {
    const { response, devices } = await fork(answers);
    expect(response.status).toBe(status);
    for (const device of devices) expect(device.methods).toEqual(['MESSAGE']);
  });

  it('keeps the Retry-After of a 503, which delays that device only', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001);
    device.answer = (request) => [buildResponse(request, 503, { headers: [['Retry-After', '60']] })];
    const { status, headers } = await network.peer(5000).send('MESSAGE', BOB);
    expect([status, headers.get('Retry-After')]).toEqual([500, '60']);
  });

  it('collects the challenges of all branches', async () => {
    const network = new MemoryNetwork();
    for (const [n, status] of [401, 407].entries()) {
      const device = await network.device(4001 + n);
      const header = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
      device.answer = (request) => [
        buildResponse(request, status, { headers: [[header, `Digest realm="r${status}", nonce="n"`]] }),
      ];
    }
    const { status, headers } = await network.peer(5000).send('MESSAGE', BOB);
    expect([401, 407]).toContain(status);
    expect(headers.getAll('WWW-Authenticate')).toEqual(['Digest realm="r401", nonce="n"']);
    expect(headers.getAll('Proxy-Authenticate')).toEqual(['Digest realm="r407", nonce="n"']);
  });

  it('tries contacts in the order of q, each after the previous contact has failed', async () => {
    const network = new MemoryNetwork();
    const low = await network.device(4001, { parameters: ';q=0.2' });
    const high = await network.device(4002, { parameters: ';q=0.9' });
    expect((await network.peer(5000).send('MESSAGE', BOB)).status).toBe(200);
    expect([high.requests.length, low.requests.length]).toEqual([1, 0]);
    high.answer = () => [486];
    expect((await network.peer(5000).send('MESSAGE', BOB)).status).toBe(200);
    expect([high.requests.length, low.requests.length]).toEqual([2, 1]);
  });

  it('stops at a 603', async () => {
    const network = new MemoryNetwork();
    const low = await network.device(4001, { parameters: ';q=0.2' });
    const high = await network.device(4002, { parameters: ';q=0.9' });
    high.answer = () => [603];
    expect((await network.peer(5000).send('MESSAGE', BOB)).status).toBe(603);
    expect(low.requests).toEqual([]);
  });
});

describe('caller preferences (RFC 3841)', () => {
  async function twoDevices() {
    const network = new MemoryNetwork();
    const mms = await network.device(4001, { parameters: ';+g.oma.pusheventapp="mms.ua"' });
    const wml = await network.device(4002, { parameters: ';+g.oma.pusheventapp="wml.ua,dcd.ua"' });
    const send = (...headers: string[]) => network.peer(5000).send('MESSAGE', BOB, { headers });
    return { network, mms, wml, send };
  }

  it('8.1.2-01: delivers a push to the device with the application', async () => {
    const { mms, wml, send } = await twoDevices();
    expect((await send('Accept-Contact: *;+g.oma.pusheventapp="mms.ua"')).status).toBe(200);
    expect([mms.requests.length, wml.requests.length]).toEqual([1, 0]);
    expect((await send('Accept-Contact: *;+g.oma.pusheventapp="dcd.ua"')).status).toBe(200);
    expect([mms.requests.length, wml.requests.length]).toEqual([1, 1]);
  });

  it('tries another device after a refusal, unless the caller requires the first', async () => {
    const { mms, wml, send } = await twoDevices();
    mms.answer = () => [500];
    expect((await send('Accept-Contact: *;+g.oma.pusheventapp="mms.ua"')).status).toBe(200);
    expect(wml.requests).toHaveLength(1);
    expect((await send('Accept-Contact: *;+g.oma.pusheventapp="mms.ua";require')).status).toBe(500);
    expect(wml.requests).toHaveLength(1);
  });

  it('answers 480 with require and explicit if no device matches', async () => {
    const { send } = await twoDevices();
    const response = await send('Accept-Contact: *;+g.oma.pusheventapp="syncml.dm";require;explicit');
    expect(response.status).toBe(480);
  });

  it('does not try a device that matches Reject-Contact', async () => {
    const { mms, wml, send } = await twoDevices();
    expect((await send('Reject-Contact: *;+g.oma.pusheventapp="mms.ua"')).status).toBe(200);
    expect([mms.requests.length, wml.requests.length]).toEqual([0, 1]);
  });

  it('does not send a method to a device that lists others', async () => {
    const network = new MemoryNetwork();
    const caller = await network.device(4001, { parameters: ';methods="INVITE,BYE"' });
    expect((await network.peer(5000).send('MESSAGE', BOB)).status).toBe(480);
    expect(caller.requests).toEqual([]);
  });

  it('reaches a device by its GRUU whatever its features', async () => {
    const network = new MemoryNetwork();
    const parameters = ';methods="INVITE,BYE";+sip.instance="<urn:uuid:1>"';
    const device = await network.device(4001, { parameters });
    expect((await network.peer(5000).send('MESSAGE', `${BOB};gr=urn:uuid:1`)).status).toBe(200);
    expect(device.methods).toEqual(['MESSAGE']);
  });

  it('Request-Disposition: no-fork', async () => {
    const { mms, wml, send } = await twoDevices();
    await send('Request-Disposition: no-fork');
    expect(mms.requests.length + wml.requests.length).toBe(1);
  });
});

describe('time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('answers 480 in time if a device does not answer a MESSAGE', async () => {
    const network = new MemoryNetwork();
    const [silent, refusing] = [await network.device(4001), await network.device(4002)];
    silent.answer = () => [];
    const alone = network.peer(5000).send('MESSAGE', BOB, { headers: ['Request-Disposition: no-fork'] });
    refusing.answer = () => [415];
    const both = network.peer(5001).send('MESSAGE', BOB);
    await vi.advanceTimersByTimeAsync(NON_INVITE_DEADLINE);
    expect((await both).status).toBe(415);
    expect([415, 480]).toContain((await alone).status);
    await network.core.close();
  });

  it('sends nothing after close', async () => {
    const network = new MemoryNetwork();
    const device = await network.device(4001, { transport: 'UDP' });
    device.answer = ({ method }) => (method === 'INVITE' ? [180] : []);
    const sender = network.peer(5000, 'UDP');
    sender.deliver(sender.request('MESSAGE', BOB));
    sender.deliver(sender.request('INVITE', BOB));
    await device.nextRequest('INVITE');
    await sender.next(isStatus(180));
    const messages = () => device.requests.filter(({ method }) => method === 'MESSAGE').length;
    // Timer E sends the MESSAGE again.
    await vi.advanceTimersByTimeAsync(600);
    expect(messages()).toBe(2);
    await network.core.close();
    const traffic = () => [device.requests.length, sender.responses.length];
    const before = traffic();
    // Timer C would cancel the INVITE.
    await vi.advanceTimersByTimeAsync(600_000);
    expect(traffic()).toEqual(before);
  });

  it('answers 408 to an INVITE without a response', async () => {
    const network = new MemoryNetwork();
    const silent = await network.device(4001);
    silent.answer = () => [];
    const invite = network.peer(5000).send('INVITE', BOB);
    await vi.advanceTimersByTimeAsync(32_000);
    expect((await invite).status).toBe(408);
  });

  it('ends an INVITE that keeps ringing, by Timer C', async () => {
    const network = new MemoryNetwork();
    const ringing = await network.device(4001);
    ringing.answer = ({ method }) => (method === 'INVITE' ? [180] : [200]);
    const invite = network.peer(5000).send('INVITE', BOB);
    await vi.advanceTimersByTimeAsync(185_000);
    expect(ringing.methods).toEqual(['INVITE', 'CANCEL']);
    const [request] = ringing.requests;
    if (request) ringing.respond(request, 487);
    expect((await invite).status).toBe(487);
  });
});

describe('INVITE', () => {
  async function call() {
    const network = new MemoryNetwork();
    const callee = await network.device(4001, { contact: '<sip:bob@10.9.9.9>' });
    callee.answer = () => [];
    const caller = network.peer(5000, 'UDP');
    const invite = caller.request('INVITE', BOB, { headers: ['Contact: <sip:psa@10.8.8.8>'] });
    caller.deliver(invite);
    return { network, callee, caller, invite, received: await callee.nextRequest('INVITE') };
  }

  it('sends a 100 at once, forwards 180 and 200 with two Record-Route, and routes ACK and BYE over the flows of both ends', async () => {
    const { callee, caller, received } = await call();
    callee.respond(received, 180);
    callee.respond(received, 200, [['Contact', '<sip:bob@10.9.9.9>']]);
    const ok = await caller.next(isStatus(200));
    expect(statuses(caller)).toEqual([100, 180, 200]);
    const recorded = ok.headers.getAll('Record-Route');
    expect(recorded.map((route) => /transport=(\w+);lr/.exec(route)?.[1])).toEqual(['tcp', 'udp']);

    const to = ok.headers.get('To') ?? '';
    const from = ok.headers.get('From') ?? '';
    const inDialog = { from, to, callId: ok.headers.get('Call-ID') ?? '' };
    const routes = recorded.map((route) => `Route: ${route}`);
    const ack = caller.request('ACK', 'sip:bob@10.9.9.9', { ...inDialog, headers: [...routes].reverse() });
    caller.deliver(ack);
    const acknowledged = await callee.nextRequest('ACK');
    expect(acknowledged.uri).toBe('sip:bob@10.9.9.9');
    expect(acknowledged.headers.has('Route')).toBe(false);
    expect(acknowledged.headers.getAll('Via')).toHaveLength(2);

    const bye = await callee.send('BYE', 'sip:psa@10.8.8.8', {
      from: to,
      to: from,
      callId: inDialog.callId,
      headers: routes,
    });
    expect(bye.status).toBe(200);
    expect(caller.methods).toEqual(['BYE']);
  });

  it('5.1-04: routes a dialog with a GRUU as target to the current contact of the device', async () => {
    const network = new MemoryNetwork();
    const parameters = ';+sip.instance="<urn:uuid:1>"';
    const callee = await network.device(4001, { parameters });
    const gruu = 'sip:bob@domain.test;gr=urn:uuid:1';
    callee.answer = (request) => {
      callee.respond(request, 200, [['Contact', `<${gruu}>`]]);
      return [];
    };
    const caller = network.peer(5000, 'UDP');
    const ok = await caller.send('INVITE', BOB, { headers: ['Contact: <sip:psa@10.8.8.8>'] });
    const inDialog = {
      from: ok.headers.get('From') ?? '',
      to: ok.headers.get('To') ?? '',
      headers: ok.headers
        .getAll('Record-Route')
        .reverse()
        .map((route) => `Route: ${route}`),
    };
    caller.deliver(caller.request('ACK', gruu, inDialog));
    expect((await callee.nextRequest('ACK')).uri).toBe('sip:bob@127.0.0.1:4001;transport=tcp');
    callee.close();
    const reconnected = await network.device(4002, { parameters });
    expect((await caller.send('BYE', gruu, inDialog)).status).toBe(200);
    expect(reconnected.methods).toEqual(['BYE']);
  });

  it('answers 480 in a dialog whose device lost its connection', async () => {
    const { callee, caller, received } = await call();
    callee.respond(received, 200, [['Contact', '<sip:bob@10.9.9.9>']]);
    const ok = await caller.next(isStatus(200));
    callee.close();
    const response = await caller.send('BYE', 'sip:bob@10.9.9.9', {
      from: ok.headers.get('From') ?? '',
      to: ok.headers.get('To') ?? '',
      headers: ok.headers
        .getAll('Record-Route')
        .reverse()
        .map((route) => `Route: ${route}`),
    });
    expect(response.status).toBe(480);
  });

  it('does not follow a forged Record-Route', async () => {
    const { caller, received } = await call();
    const route = received.headers.getAll('Record-Route')[0]?.replace(/sip:(..)/, 'sip:00') ?? '';
    const response = await caller.send('BYE', 'sip:bob@10.9.9.9', { headers: [`Route: ${route}`] });
    expect(response.status).toBe(403);
  });

  it('forwards a CANCEL to a ringing device, and its 487 back', async () => {
    const { callee, caller, invite, received } = await call();
    callee.answer = ({ method }) => (method === 'CANCEL' ? [200] : []);
    callee.respond(received, 180);
    await caller.next(isStatus(180));
    const headers = invite.headers.clone().set('CSeq', '1 CANCEL');
    caller.deliver({ ...invite, method: 'CANCEL', headers });
    await callee.nextRequest('CANCEL');
    callee.respond(received, 487);
    await caller.next(isStatus(487));
    await callee.nextRequest('ACK');
    expect(statuses(caller)).toEqual([100, 180, 200, 487]);
  });

  it('cancels the other branches after the first 2xx, and forwards a second 2xx (RFC 6026)', async () => {
    const { network, callee, caller, received } = await call();
    expect(received.method).toBe('INVITE');
    const other = await network.device(4002);
    other.answer = ({ method }) => (method === 'INVITE' ? [180] : [200]);
    callee.answer = ({ method }) => (method === 'INVITE' ? [180] : [200]);
    caller.deliver(caller.request('INVITE', BOB));
    const ringing = await other.nextRequest('INVITE');
    other.respond(ringing, 200);
    await caller.next(isStatus(200));
    await callee.nextRequest('CANCEL');
    const second = callee.requests.filter(({ method }) => method === 'INVITE')[1];
    if (second) callee.respond(second, 200);
    await until(() => expect(statuses(caller).filter((status) => status === 200)).toHaveLength(2));
  });
});
