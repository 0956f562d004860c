/** Servers located by DNS (RFC 3263), with dnsmasq as the DNS server and agents on real sockets. */

import { afterEach, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../core/content/content.js';
import { ServerLocator } from '../../core/sip/transport/server-locator.js';
import { definePushApp } from '../../sdk/index.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, Device, PSA, startSender } from '../support/agents/agents.js';
import { DnsServer, type DnsZone } from '../support/programs/dnsmasq.js';
import { describePeer } from '../support/programs/peers.js';
import { freePorts } from '../support/programs/ports.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const HOSTS = {
  'one.domain.test': ['127.0.0.1'],
  'two.domain.test': ['127.0.0.2'],
  'three.domain.test': ['127.0.0.3', '127.0.0.4'],
};
const NAPTR = [
  'domain.test,20,10,s,SIP+D2U,,_sip._udp.domain.test',
  'domain.test,10,20,s,SIP+D2T,,_sip._tcp.domain.test',
  'domain.test,10,10,s,SIPS+D2T,,_sips._tcp.domain.test',
  'domain.test,5,10,u,E2U+sip,!^.*$!sip:x@domain.test!,.',
];
const TYPE = 'text/plain';
const app = definePushApp({
  id: 'mms.ua',
  accepts: [TYPE],
  order: 'parallel',
  delivery: 'direct',
  start: () => ({ receive() {} }),
});
const push = {
  to: BOB,
  app: 'mms.ua',
  content: memoryContent({ type: TYPE, parameters: {} }, Buffer.from('hello')),
};

describePeer('dnsmasq', 'servers located by DNS', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function dns(zone: DnsZone): Promise<DnsServer> {
    const server = await DnsServer.start(zone);
    closing.push(() => server.stop());
    return server;
  }

  const textOf = (servers: readonly { transport: string; host: string; port: number }[]) =>
    servers.map(({ transport, host, port }) => `${transport} ${host}:${port}`);

  it('AD-5.3.3, AD-5.3.4: RFC 3263 4.1: NAPTR records select the transports, in their order', async () => {
    await dns({
      hosts: HOSTS,
      naptr: NAPTR,
      srv: [
        '_sip._udp.domain.test,one.domain.test,5060',
        '_sip._tcp.domain.test,two.domain.test,5070',
        '_sips._tcp.domain.test,one.domain.test,5061',
      ],
    });
    const locator = new ServerLocator();
    const located = await locator.locate('sip:domain.test');
    expect(textOf(located)).toEqual(['TLS 127.0.0.1:5061', 'TCP 127.0.0.2:5070', 'UDP 127.0.0.1:5060']);
    // RFC 5922 4: the certificate is of the domain.
    expect(located.map(({ serverName }) => serverName)).toEqual([
      'domain.test',
      'domain.test',
      'domain.test',
    ]);
    expect(textOf(await locator.locate('sips:domain.test'))).toEqual(['TLS 127.0.0.1:5061']);
    expect(textOf(await locator.locate('sip:domain.test;transport=udp'))).toEqual(['UDP 127.0.0.1:5060']);
  });

  it('RFC 3263 4.1: without NAPTR records, SRV records of each transport; without these, addresses', async () => {
    await dns({ hosts: HOSTS, srv: ['_sip._tcp.domain.test,two.domain.test,5070'] });
    const locator = new ServerLocator();
    expect(textOf(await locator.locate('sip:domain.test'))).toEqual(['TCP 127.0.0.2:5070']);
    expect(textOf(await locator.locate('sip:three.domain.test;transport=tcp'))).toEqual([
      'TCP 127.0.0.3:5060',
      'TCP 127.0.0.4:5060',
    ]);
    await expect(locator.locate('sip:absent.domain.test')).rejects.toThrow(
      'absent.domain.test does not resolve',
    );
  });

  it('RFC 2782: by priority, and within a priority by weight; a server that failed is last', async () => {
    await dns({
      hosts: HOSTS,
      srv: [
        '_sip._udp.domain.test,three.domain.test,5060,20,1',
        '_sip._udp.domain.test,one.domain.test,5060,10,90',
        '_sip._udp.domain.test,two.domain.test,5060,10,10',
      ],
    });
    const uri = 'sip:domain.test;transport=udp';
    const firsts = { '127.0.0.1': 0, '127.0.0.2': 0 };
    for (let draw = 0; draw < 100; draw++) {
      const [first] = await new ServerLocator({ random: () => draw / 100 }).locate(uri);
      firsts[first?.host as keyof typeof firsts]++;
    }
    expect(firsts['127.0.0.1']).toBeGreaterThan(80);
    expect(firsts['127.0.0.2']).toBeGreaterThan(5);
    const locator = new ServerLocator({ random: () => 0.99 });
    const [first, second, ...others] = await locator.locate(uri);
    expect(others).toHaveLength(2);
    if (first) locator.failed(first);
    expect(await locator.locate(uri)).toEqual([second, ...others, first]);
  });

  it('keeps an answer for its TTL', async () => {
    const uri = 'sip:domain.test;transport=udp';
    const server = await dns({ hosts: HOSTS, srv: ['_sip._udp.domain.test,one.domain.test,5060'], ttl: 120 });
    let now = 0;
    const locator = new ServerLocator({ now: () => now });
    expect(textOf(await locator.locate(uri))).toEqual(['UDP 127.0.0.1:5060']);
    await server.serve({ hosts: HOSTS, srv: ['_sip._udp.domain.test,two.domain.test,5060'], ttl: 120 });
    now = 119_000;
    expect(textOf(await locator.locate(uri))).toEqual(['UDP 127.0.0.1:5060']);
    expect(server.queries).toEqual([]);
    now = 121_000;
    expect(textOf(await locator.locate(uri))).toEqual(['UDP 127.0.0.2:5060']);
  });

  it('reads an answer that is truncated over UDP over TCP', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `server-with-a-long-name-${index}.domain.test`);
    await dns({ srv: names.map((name) => `_sip._udp.domain.test,${name},5060`), ttl: 5 });
    expect((await platform.queryDns('_sip._udp.domain.test', 'SRV')).records).toHaveLength(60);
  });

  async function twoNetworks(transport: 'udp' | 'tcp') {
    const [port = 0] = await freePorts(1);
    const start = async (host: string) => {
      const network = await startNetwork({
        listen: [`sip:${host}:${port};transport=${transport}`],
        users: { bob: { password: 'bob-password' }, psa: { password: 'psa-password' } },
      });
      closing.push(() => network.close());
      return network;
    };
    const networks = [await start('127.0.0.1'), await start('127.0.0.2')];
    await dns({
      hosts: HOSTS,
      srv: [
        `_sip._${transport}.domain.test,one.domain.test,${port},10`,
        `_sip._${transport}.domain.test,two.domain.test,${port},20`,
      ],
    });
    return networks;
  }

  it.each(['tcp', 'udp'] as const)(
    'AD-5.3.3, AD-5.3.4: RFC 3263 4.3: a host and a sender survive the death of the first server (%s)',
    async (transport) => {
      const [first, second] = await twoNetworks(transport);
      const servers = [`sip:domain.test;transport=${transport}`];
      const device = await Device.start([app], {
        servers,
        credentials: { username: 'bob', password: 'bob-password' },
        trust: [PSA],
        expires: 60,
      });
      closing.push(() => device.stop());
      const onRegistered = vi.fn();
      const sender = await startSender({
        servers,
        credentials: { username: 'psa', password: 'psa-password' },
        instanceId: 'urn:uuid:00000000-0000-4000-8000-000000000003',
        onRegistered,
      });
      closing.push(() => sender.stop());
      expect(await sender.send(push)).toMatchObject([{ outcome: 'delivered' }]);
      expect(first?.registrations()).toHaveLength(2);
      await first?.close();
      await until(() => expect(second?.registrations()).toHaveLength(2));
      expect(await sender.send({ ...push, ttl: 60 })).toMatchObject([{ outcome: 'delivered' }]);
    },
  );

  it('9-04: RFC 3263 4.3: a push whose server answers 503 goes to the next server of the domain', async () => {
    const cores = [await ScriptedCore.udp(), await ScriptedCore.udp()];
    for (const core of cores) closing.push(() => core.close());
    await dns({
      hosts: HOSTS,
      srv: cores.map(({ port }, index) => `_sip._udp.domain.test,one.domain.test,${port},${index}`),
    });
    const sender = await startSender({ servers: ['sip:domain.test;transport=udp'] });
    closing.push(() => sender.stop());
    const [first, second] = cores;
    const receipts = sender.send(push);
    (await first?.request('MESSAGE'))?.respond(503, [['Retry-After', '60']]);
    (await second?.request('MESSAGE'))?.respond(200);
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
    // Without another server, the sender waits.
    const refused = sender.send(push);
    (await second?.request('MESSAGE'))?.respond(503, [['Retry-After', '60']]);
    expect(await refused).toMatchObject([{ status: 503, retryAfter: 60 }]);
    expect(await sender.send(push)).toMatchObject([{ why: expect.stringContaining('Retry-After') }]);
  });
});
