/** `listen`: requests are accepted from the addresses of the core and from configured peers (RFC 5922 over TLS). */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { createPushReceiver, type HostEvent } from '../../core/host.js';
import type { ListenLimits } from '../../core/platform/bounds.js';
import { PushSenderAgent } from '../../core/sender/sender.js';
import { PeerGate } from '../../core/sip/transport/peer-gate.js';
import { definePushApp } from '../../sdk/index.js';
import { startSender } from '../support/agents/agents.js';
import { makeCertificates } from '../support/certificates.js';
import { DnsServer } from '../support/programs/dnsmasq.js';
import { describePeer } from '../support/programs/peers.js';
import { freePort } from '../support/programs/ports.js';
import { RawSipPeer } from '../support/sip/raw-sip.js';
import { type OnMessage, openStream, openUdp, openWebSocket, type RawWire } from '../support/sip/raw-wire.js';
import { until } from '../support/wait.js';

const SERVICE = 'sip:archive@domain.test';
const BOB = 'sip:bob@domain.test';
/** A core at another address than the peers of these tests, which send from 127.0.0.1. */
const ELSEWHERE = 'sip:127.0.0.3:5060;transport=udp';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Open = (onMessage: OnMessage) => Promise<RawWire>;

async function peer(open: Open = openUdp): Promise<RawSipPeer> {
  const opened = await RawSipPeer.open(open);
  closing.push(() => opened.close());
  return opened;
}

interface HostOptions {
  transport?: string;
  server?: string;
  peers?: readonly string[];
  limits?: Partial<ListenLimits>;
  tls?: { ca: string; cert: string; key: string };
}

async function startHost({ transport = 'udp', server = ELSEWHERE, peers, limits, tls }: HostOptions = {}) {
  const port = await freePort();
  const events: HostEvent[] = [];
  let received = 0;
  const app = definePushApp({
    id: 'archive.ua',
    accepts: ['text/plain'],
    delivery: 'direct',
    order: 'parallel',
    start: () => ({
      receive() {
        received++;
      },
    }),
  });
  const host = await createPushReceiver({
    ...{
      identity: SERVICE,
      servers: [server],
      listen: `sip:127.0.0.1:${port};transport=${transport}`,
      peers,
      limits,
      tls,
    },
    ...{ trust: ['sip:*@domain.test'], apps: [{ definition: app }] },
    onEvent: (event) => events.push(event),
  });
  closing.push(() => host.stop('the test ended'));
  const refused = () => events.flatMap((event) => (event.event === 'refused' ? [event] : []));
  return { port, refused, received: () => received };
}

const push = {
  ...{ method: 'MESSAGE', uri: SERVICE, from: 'sip:psa@domain.test', body: Buffer.from('hello') },
  headers: [
    'P-Asserted-Identity: <sip:psa@domain.test>',
    'Accept-Contact: *;+g.oma.pusheventapp="archive.ua";require;explicit',
    'Content-Type: text/plain',
  ],
};

const overUdp = (): Open => openUdp;
const overTcp =
  (port: number): Open =>
  (onMessage) =>
    openStream(port, onMessage);

describe('a host that listens', () => {
  it.each([
    ['udp', overUdp],
    ['tcp', overTcp],
  ])(
    '8.1.1-02, 8.2.1-03: refuses the pushes of a foreign address over %s with 403, and reports it',
    async (transport, over) => {
      const { port, refused, received } = await startHost({ transport });
      const methods = ['MESSAGE', 'INVITE'];
      for (const method of methods) {
        // A connection of a foreign peer is closed after the answer.
        const foreign = await peer(over(port));
        expect((await foreign.send(port, { ...push, method })).status).toBe(403);
      }
      expect(received()).toBe(0);
      const reason = expect.stringContaining('127.0.0.1 is not an address of "server"');
      expect(refused()).toMatchObject(methods.map((method) => ({ method, status: 403, reason })));
    },
  );

  it.each([
    ['the address of the core', 'udp', { server: 'sip:127.0.0.1:1;transport=udp' }, overUdp],
    [
      'an address that the name of the core resolves to',
      'tcp',
      { server: 'sip:localhost:1;transport=udp' },
      overTcp,
    ],
    ['a configured address', 'tcp', { peers: ['127.0.0.1'] }, overTcp],
    ['a configured range', 'udp', { peers: ['10.0.0.0/8', '127.0.0.0/30'] }, overUdp],
  ])('accepts the push of %s over %s', async (_, transport, options, over) => {
    const { port, refused, received } = await startHost({ transport, ...options });
    expect((await (await peer(over(port))).send(port, push)).status).toBe(200);
    expect(received()).toBe(1);
    expect(refused()).toEqual([]);
  });

  describePeer('dnsmasq', 'behind a core that is located by SRV records (RFC 3263 4.2)', () => {
    it.each([
      ['is one of its servers', 'two.domain.test', 200],
      ['is none of them', 'three.domain.test', 403],
    ])('answers the push of an address that %s with %i', async (_, second, status) => {
      const dns = await DnsServer.start({
        hosts: {
          'one.domain.test': ['127.0.0.3'],
          'two.domain.test': ['127.0.0.1'],
          'three.domain.test': ['127.0.0.4'],
        },
        srv: [`_sip._udp.domain.test,one.domain.test,5060,10`, `_sip._udp.domain.test,${second},5060,20`],
      });
      closing.push(() => dns.stop());
      const { port, received } = await startHost({ server: 'sip:domain.test;transport=udp' });
      expect((await (await peer(overUdp())).send(port, push)).status).toBe(status);
      expect(received()).toBe(status === 200 ? 1 : 0);
    });
  });

  it('bounds its connections as configured', async () => {
    const { port, received } = await startHost({
      ...{ transport: 'tcp', peers: ['127.0.0.1'], limits: { connectionsPerAddress: 1 } },
    });
    const first = await peer(overTcp(port));
    const second = connect({ port, host: '127.0.0.1' });
    await once(second, 'close');
    expect((await first.send(port, push)).status).toBe(200);
    expect(received()).toBe(1);
  });

  it('does not answer responses and malformed messages, and reports a flood once in a while', async () => {
    const { port, refused } = await startHost();
    const answers: string[] = [];
    const wire = await openUdp((bytes) => answers.push(bytes.toString()));
    closing.push(() => wire.close());
    const head = (start: string, serial: number) =>
      Buffer.from(
        `${start}\r\nVia: SIP/2.0/UDP 127.0.0.1:${wire.port};rport;branch=z9hG4bK${serial}\r\n` +
          `From: <sip:x@x.test>;tag=1\r\nTo: <${SERVICE}>\r\nCall-ID: ${serial}\r\nCSeq: 1 MESSAGE\r\n` +
          'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n',
      );
    wire.send(head('SIP/2.0 200 OK', 1), port);
    wire.send(Buffer.from('MESSAGE sip:a SIP/2.0\r\nVia: x\r\n\r\n'), port);
    let serial = 1;
    const flood = (count: number) => {
      for (let at = 0; at < count; at++) wire.send(head(`MESSAGE ${SERVICE} SIP/2.0`, ++serial), port);
    };
    flood(200);
    await until(() => {
      flood(1);
      expect(refused().some(({ reason }) => /\d+ more .* dropped/.test(reason))).toBe(true);
    });
    expect(refused().length).toBeLessThan(serial / 2);
    await until(() => expect(answers.length).toBe(refused().length));
    expect(answers.every((answer) => answer.startsWith('SIP/2.0 403 '))).toBe(true);
  });
});

describe.each(['tls', 'wss'])('a host that listens over %s', (transport) => {
  const overTls = (port: number, tls: ConnectionOptions) => (onMessage: OnMessage) =>
    transport === 'tls'
      ? openStream(port, onMessage, tls)
      : openWebSocket(`wss://127.0.0.1:${port}/`, onMessage, tls);

  const client = async (names: readonly string[]) => {
    const made = await makeCertificates(names);
    closing.push(() => made.remove());
    return made;
  };

  it.each([
    ['a SIP domain', ['URI:sip:core.domain.test', 'DNS:other.test'], 200],
    ['a DNS name', ['DNS:CORE.domain.test'], 200],
    ['the URI of a user', ['URI:sip:core@core.domain.test'], 403],
    ['a DNS name beside another SIP domain', ['URI:sip:other.test', 'DNS:core.domain.test'], 403],
    ['a wildcard', ['DNS:*.domain.test'], 403],
  ])(
    '8.1.1-02, E.1.3-02: decides by the certificate of the client: %s (RFC 5922 7.1)',
    async (_, names, status) => {
      const { ca, cert, key } = await client(names);
      const { port } = await startHost({
        transport,
        peers: ['core.domain.test'],
        tls: { ca, cert, key },
      });
      const tls = { cert, key, rejectUnauthorized: false };
      const core = await peer(overTls(port, tls));
      expect((await core.send(port, push)).status).toBe(status);
    },
  );

  it('E.1.3-02: accepts the push of a sender by the certificate that it presents', async () => {
    const { ca, cert, key } = await client(['DNS:core.domain.test', 'IP:127.0.0.1']);
    const { port, received, refused } = await startHost({
      transport,
      peers: ['core.domain.test'],
      tls: { ca, cert, key },
    });
    const content = memoryContent({ type: 'text/plain', parameters: {} }, Buffer.from('hello'));
    for (const [tls, status] of [
      [{ ca, cert, key }, 200],
      [{ ca }, 403],
    ] as const) {
      const servers = [`sip:127.0.0.1:${port};transport=${transport}`];
      const sender = await startSender({ servers, tls });
      closing.push(() => sender.stop());
      expect(await sender.send({ to: SERVICE, app: 'archive.ua', content })).toMatchObject([{ status }]);
    }
    expect(received()).toBe(1);
    expect(refused()).toMatchObject([{ method: 'MESSAGE', status: 403 }]);
  });

  it('refuses a client without a certificate, or with one of another authority', async () => {
    const { ca, cert, key } = await client(['DNS:core.domain.test']);
    const forged = await client(['DNS:core.domain.test']);
    const { port } = await startHost({
      transport,
      peers: ['core.domain.test'],
      tls: { ca, cert, key },
    });
    for (const own of [{}, { cert: forged.cert, key: forged.key }]) {
      const tls = { ...own, rejectUnauthorized: false };
      const foreign = await peer(overTls(port, tls));
      expect((await foreign.send(port, push)).status).toBe(403);
    }
  });
});

describe('a sender that listens', () => {
  const register = {
    ...{ method: 'REGISTER', uri: 'sip:psa@domain.test', from: 'sip:scscf@domain.test', to: BOB },
    headers: ['Expires: 0', 'Contact: <sip:scscf@domain.test>'],
  };
  const options = {
    ...{ method: 'OPTIONS', uri: 'sip:psa@domain.test', from: BOB },
    headers: [`P-Asserted-Identity: <${BOB}>`, 'Contact: <sip:bob@127.0.0.1>;+g.oma.pusheventapp="mms.ua"'],
  };

  it.each([
    [[], 403, false],
    [['127.0.0.1'], 200, true],
  ])(
    '5.2-01: accepts a third-party REGISTER and an OPTIONS with peers %j: %i',
    async (peers, status, gone) => {
      const port = await freePort();
      const problems: string[] = [];
      const sender = new PushSenderAgent({
        ...{ identity: 'sip:psa@domain.test', servers: [ELSEWHERE], assertIdentity: true, product: 'test/1' },
        ...{ listen: `sip:127.0.0.1:${port};transport=udp`, peers },
        onProblem: ({ message }) => problems.push(message),
      });
      await sender.start();
      closing.push(() => sender.stop());
      sender.directory.setRegistered(BOB, { gruu: `${BOB};gr=1` });
      const core = await peer();
      expect((await core.send(port, register)).status).toBe(status);
      expect(sender.directory.of(BOB)).toMatchObject([{ registered: !gone }]);
      if (!gone)
        expect(problems).toEqual([expect.stringContaining('refused REGISTER of sip:scscf@domain.test')]);
      expect((await core.send(port, options)).status).toBe(status);
    },
  );
});

describe('PeerGate', () => {
  it('drops what exceeds its budget, and counts it', () => {
    let now = 0;
    const gate = new PeerGate({ servers: [ELSEWHERE], now: () => now });
    const read = () => Array.from({ length: 30 }, () => gate.allowsForeign()).filter(Boolean).length;
    expect([read(), read()]).toEqual([10, 0]);
    now = 3000;
    expect(read()).toBe(3);
    expect(gate.refusal({ host: '192.0.2.1', port: 1 })).toContain('77 more');
    expect(gate.refusal({ host: '192.0.2.1', port: 1 })).not.toContain('more');
  });

  it('resolves the servers again after a foreign message, and keeps addresses that no longer resolve', async () => {
    let now = 0;
    let addresses: string[] | undefined = ['192.0.2.1'];
    const resolve = async () => addresses ?? Promise.reject(new Error('no name server'));
    const gate = new PeerGate({ servers: ['sip:core.test;transport=tcp'], now: () => now, resolve });
    await gate.refresh();
    const admits = (host: string) => gate.admits({ host, port: 1 });
    expect([admits('192.0.2.1'), admits('192.0.2.2')]).toEqual([true, false]);
    addresses = ['192.0.2.2'];
    now = 60_000;
    gate.allowsForeign();
    await until(() => expect(admits('192.0.2.2')).toBe(true));
    addresses = ['fe80::1%eth0'];
    await gate.refresh();
    expect(admits('fe80::1%eth0')).toBe(true);
    addresses = undefined;
    await gate.refresh();
    expect(admits('fe80::1')).toBe(true);
  });

  it.each(['10.0.0.256', '10.0.0.0/33', '*.domain.test', '[::1]', '2001:db8::/x', ''])(
    'refuses the entry %j',
    (entry) => {
      expect(() => new PeerGate({ servers: [ELSEWHERE], peers: [entry] })).toThrow(/invalid peer/);
    },
  );

  it('matches IPv6, also addresses with a zone and mapped IPv4 addresses', () => {
    const gate = new PeerGate({ servers: [ELSEWHERE], peers: ['fe80::/10', '192.0.2.0/24'] });
    const admits = (host: string) => gate.admits({ host, port: 1 });
    expect(['fe80::1%eth0', '::ffff:192.0.2.7', '2001:db8::1'].map(admits)).toEqual([true, true, false]);
  });
});
