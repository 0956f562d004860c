import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../core/errors.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import { TransactionLayer } from '../../core/sip/transactions/layer.js';
import { listen } from '../../core/sip/transport/listener.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { type MessageEvent, type Network, type NetworkEvent, startNetwork } from '../../sdk/network/index.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { RawSipPeer } from '../support/sip/raw-sip.js';
import { openStream, openUdp, openWebSocket } from '../support/sip/raw-wire.js';

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
type Transport = (typeof TRANSPORTS)[number];

const BOB = 'sip:bob@domain.test';
const PSA = 'sip:psa@domain.test';
const users = { bob: { password: 'b' }, psa: { password: 'p' } };
const asBob = { username: 'bob', password: 'b' };
const asPsa = { username: 'psa', password: 'p' };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: Parameters<typeof startNetwork>[0] = {}): Promise<Network> {
  const network = await startNetwork(options);
  closing.push(() => network.close());
  return network;
}

function portOf(uri = ''): number {
  return parseEndpoint(uri).port;
}

async function open(transport: Transport, port: number, ca: string): Promise<RawSipPeer> {
  const peer = await RawSipPeer.open((onMessage) => {
    if (transport === 'udp') return openUdp(onMessage);
    if (transport === 'tcp') return openStream(port, onMessage);
    if (transport === 'tls') return openStream(port, onMessage, { ca });
    return openWebSocket(`${transport}://127.0.0.1:${port}`, onMessage, { ca });
  });
  closing.push(() => peer.close());
  return peer;
}

describe('every transport', () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(() => certificates.remove());

  async function everything() {
    const { ca, cert, key } = certificates;
    const network = await start({
      listen: TRANSPORTS.map((transport) => `sip:127.0.0.1:0;transport=${transport}`),
      users,
      tls: { ca, cert, key },
    });
    return {
      network,
      ports: new Map(network.uris.map((uri, n) => [TRANSPORTS[n] ?? 'udp', portOf(uri)])),
    };
  }

  it.each(TRANSPORTS)('reaches a device over %s from every other transport', async (transport) => {
    const { network, ports } = await everything();
    const port = ports.get(transport) ?? 0;
    const device = await open(transport, port, certificates.ca);
    const registered = await device.send(port, {
      method: 'REGISTER',
      uri: 'sip:domain.test',
      from: BOB,
      to: BOB,
      headers: [`Contact: ${device.contact('bob')};+sip.instance="<urn:uuid:1>"`, 'Supported: gruu'],
      credentials: asBob,
    });
    expect(registered.status).toBe(200);
    expect(registered.get('Contact')).toContain('pub-gruu="sip:bob@domain.test;gr=urn:uuid:1"');
    expect(network.registrations()).toMatchObject([
      { username: 'bob', identity: BOB, instanceId: 'urn:uuid:1', transport: transport.toUpperCase() },
    ]);

    const body = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    for (const other of TRANSPORTS) {
      const sender = await open(other, ports.get(other) ?? 0, certificates.ca);
      const sent = await sender.send(ports.get(other) ?? 0, {
        method: 'MESSAGE',
        uri: 'sip:bob@domain.test;gr=urn:uuid:1',
        from: PSA,
        headers: ['Content-Type: application/vnd.wap.mms-message'],
        body,
        credentials: asPsa,
      });
      expect(sent.status).toBe(200);
      expect(sent.get('P-Asserted-Identity')).toBe(`<${BOB}>`);
      const received = await device.request();
      expect(received.get('P-Asserted-Identity')).toBe(`<${PSA}>`);
      expect(received.body.equals(body)).toBe(true);
      device.clear();
    }
  });

  it('removes the binding of a device whose connection ends', async () => {
    const { network, ports } = await everything();
    const port = ports.get('tcp') ?? 0;
    const device = await open('tcp', port, certificates.ca);
    const contact = `Contact: ${device.contact('bob')}`;
    const register = { method: 'REGISTER', uri: 'sip:domain.test', from: BOB, headers: [contact] };
    await device.send(port, { ...register, to: BOB, credentials: asBob });
    expect(network.registrations()).toHaveLength(1);
    device.close();
    await expect.poll(() => network.registrations()).toEqual([]);
  });
});

describe('a network', () => {
  it('listens only on loopback without users, and has a notice', async () => {
    const listen = ['sip:0.0.0.0:0;transport=udp'];
    await expect(startNetwork({ listen })).rejects.toThrow(ConfigurationError);
    await expect(startNetwork({ listen })).rejects.toThrow('users with passwords are required');
    const network = await start({ listen, users });
    expect(network.notice).toContain('development');
  });

  it.each([
    ['a domain', { domain: 'not a name' }, 'domain'],
    ['a peer by name', { trustedPeers: ['peer.test'] }, 'IP address'],
    ['an application server by name', { applicationServers: { [PSA]: 'sip:localhost:1' } }, 'IP address'],
    ['an application server', { applicationServers: { psa: 'sip:127.0.0.1:1' } }, 'expected a SIP URI'],
    [
      'a user twice',
      {
        users: [
          { username: 'a', password: 'x' },
          { username: 'a', password: 'y' },
        ],
      },
      'twice',
    ],
    [
      'an identity of two users',
      { users: { a: { password: '', identities: [BOB] }, ...users } },
      'belongs to both',
    ],
    ['a listener', { listen: ['sip:127.0.0.1:0;transport=carrier-pigeon'] }, 'carrier-pigeon'],
  ])('refuses an invalid option and names it: %s', async (_, options, message) => {
    await expect(startNetwork(options)).rejects.toThrow(message);
    await expect(startNetwork(options)).rejects.toThrow(ConfigurationError);
  });

  it('answers malformed messages and continues', async () => {
    const [udp, tcp] = (await start()).uris.map(portOf);
    const head = 'SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n';
    const bad = `MESSAGE sip:bob@domain.test ${head}To: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n`;
    const socket = createSocket('udp4');
    closing.push(() => socket.close());
    for (const bytes of [
      Buffer.from([0xff, 0xfe, 0x20, 0x0d, 0x0a]),
      Buffer.from('\r\n\r\n'),
      Buffer.from(bad),
    ]) {
      socket.send(bytes, udp, '127.0.0.1');
    }
    const [answer] = await once(socket, 'message');
    expect(String(answer)).toMatch(/^SIP\/2\.0 400 /);

    const stream = connect(tcp ?? 0, '127.0.0.1');
    stream.resume().end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(stream, 'close');
    const peer = await open('udp', 0, '');
    const options = { method: 'OPTIONS', uri: 'sip:domain.test', from: PSA };
    expect((await peer.send(udp ?? 0, options)).status).toBe(200);
  });

  it('reports every message and every registration', async () => {
    const events: NetworkEvent[] = [];
    const port = portOf((await start({ onEvent: (event) => events.push(event) })).uris[0]);
    const device = await open('udp', 0, '');
    const headers = [`Contact: ${device.contact('bob')}`];
    await device.send(port, { method: 'REGISTER', uri: 'sip:domain.test', from: BOB, to: BOB, headers });
    await device.send(port, { method: 'MESSAGE', uri: BOB, from: BOB });
    const ladder = events
      .filter((event): event is MessageEvent => event.event === 'message')
      .map(({ direction, method, status, users: names }) =>
        [direction, method ?? status, ...names].join(' '),
      );
    expect(ladder).toEqual([
      'in REGISTER',
      'out 200 bob',
      'in MESSAGE bob',
      'out MESSAGE bob',
      'in 200 bob',
      'out 200 bob',
    ]);
    expect(events[0]).toMatchObject({ to: `127.0.0.1:${port}`, cseq: '1 REGISTER', transport: 'UDP' });
    expect(events.find(({ event }) => event === 'registered')).toMatchObject({
      identity: BOB,
      username: 'bob',
    });
  });

  it('connects to an application server, and reuses the connection for its requests', async () => {
    const requests: string[] = [];
    const layer = new TransactionLayer({
      onRequest: (transaction) => {
        requests.push(transaction.request.method);
        transaction.respond(buildResponse(transaction.request, 200));
      },
    });
    const server = await listen('sip:127.0.0.1:0;transport=tcp', {
      onMessage: (message, flow) => layer.receive(message, flow),
    });
    closing.push(() => server.close());
    const port = portOf((await start({ applicationServers: { [PSA]: server.uri } })).uris[0]);
    const device = await open('udp', 0, '');
    const options = { method: 'OPTIONS', uri: PSA, from: BOB };
    expect((await device.send(port, options)).status).toBe(200);
    expect((await device.send(port, options)).status).toBe(200);
    expect(requests).toEqual(['OPTIONS', 'OPTIONS']);
    await server.close();
    expect((await device.send(port, options)).status).toBe(500);
  });
});
