/** `sip-push network`: the embedded core, from the command line. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../../support/certificates.js';
import { RawSipPeer } from '../../support/sip/raw-sip.js';
import { BOB, bob, Folder, lineOf, linesOf, PSA, psa, startNetworkCommand, USERS } from '../sip-push.js';

const DATAGRAM = 'sip:127.0.0.1:0;transport=udp';

describe('the embedded core', () => {
  let folder: Folder;
  let certificates: Certificates;
  beforeAll(async () => {
    folder = await Folder.make();
    certificates = await makeCertificates();
  });
  afterAll(async () => {
    await certificates?.remove();
    await folder?.remove();
  });

  it('prints its addresses and a notice, and exits with 0', async () => {
    await using network = await folder.start('network', '--domain', 'example.test');
    expect(await network.line(/^listening/)).toMatch(
      /^listening {5}sip:127\.0\.0\.1:\d+;transport=udp and sip:127\.0\.0\.1:\d+;transport=tcp, domain example\.test$/,
    );
    await network.line(/not for production/);
    expect(network.stdout).toHaveLength(1);
    network.kill('SIGTERM');
    expect(await network.ended()).toEqual({ code: 0, signal: null });
  });

  it('--json prints listening, registered, deregistered and message only', async () => {
    const { running, tcp } = await startNetworkCommand(folder);
    await using _ = running;
    await folder.write('bob.json', bob(tcp));
    await using host = await folder.start('host', '--config', 'bob.json');
    expect(await lineOf(running, 'registered')).toMatchObject({
      username: 'bob',
      identity: BOB,
      contact: expect.stringContaining('+g.oma.pusheventapp="mms.ua"'),
      transport: 'TCP',
    });
    host.kill('SIGTERM');
    expect(await lineOf(running, 'deregistered')).toMatchObject({ identity: BOB, reason: 'removed' });
    await host.exited;
    running.kill('SIGINT');
    expect(await running.ended()).toEqual({ code: 0, signal: null });
    const lines = linesOf(running);
    expect(lines[0]).toMatchObject({ event: 'listening', domain: 'domain.test' });
    expect(new Set(lines.map(({ event }) => event))).toEqual(
      new Set(['listening', 'message', 'registered', 'deregistered']),
    );
    expect(running.stdout.join()).not.toContain(USERS.bob);
  });

  it('--digest selects the order of the challenges, and refuses unknown names', async () => {
    await folder.write('users.json', { users: USERS });
    await using network = await folder.start(
      ...['network', '--json', '--listen', DATAGRAM, '--users', 'users.json', '--digest', 'MD5,sha-256'],
    );
    const { uris } = await lineOf(network, 'listening');
    const [, port] = /:(\d+);/.exec((uris as string[])[0] ?? '') ?? [];
    const peer = await RawSipPeer.open();
    const request = { method: 'REGISTER', uri: 'sip:domain.test', from: BOB, to: BOB };
    const { status, lines } = await peer.send(Number(port), request);
    peer.close();
    const challenges = lines.filter((line) => line.startsWith('WWW-Authenticate'));
    expect([status, ...challenges.map((line) => /algorithm=([^,]+)/.exec(line)?.[1])]).toEqual([
      401,
      'MD5',
      'SHA-256',
    ]);
    const refused = await folder.run('network', '--listen', DATAGRAM, '--digest', 'sha-1');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('invalid digest "sha-1"');
  });

  it('accepts all registrations without users', async () => {
    await using network = await folder.start('network', '--json', '--listen', DATAGRAM);
    const { uris } = await lineOf(network, 'listening');
    const [server = ''] = uris as string[];
    const { password: _, username: __, ...anonymous } = bob(server);
    await folder.write('bob.json', anonymous);
    await using host = await folder.start('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'registered');
  });

  it('reads tls, identities, trusted peers and application servers from the users file', async () => {
    await folder.write('more.json', {
      users: { bob: { password: USERS.bob, identities: [BOB, 'tel:+15550100'] }, psa: USERS.psa },
      tls: { cert: certificates.certFile, key: certificates.keyFile },
      trustedPeers: ['127.0.0.1:5080'],
      applicationServers: { 'sip:as@domain.test': 'sip:127.0.0.1:5080;transport=udp' },
      thirdPartyRegistration: ['sip:as@domain.test'],
      watchers: ['sip:psa@domain.test'],
    });
    const uris = ['tls', 'wss', 'ws'].map((transport) => `sip:127.0.0.1:0;transport=${transport}`);
    await using network = await folder.start(
      ...['network', '--json', '--users', 'more.json'],
      ...uris.flatMap((uri) => ['--listen', uri]),
    );
    const servers = (await lineOf(network, 'listening')).uris as string[];
    expect(servers.map((uri) => uri.replace(/:\d+;/, ':0;'))).toEqual(uris);
    const [tls = '', wss = ''] = servers;

    await folder.write('bob.json', { ...bob(tls), tls: { ca: certificates.caFile } });
    await using host = await folder.start('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'registered');
    await folder.write('psa.json', { ...psa(wss), tls: { ca: certificates.caFile } });
    await folder.write('hello', 'hello');
    const pushed = await folder.run(
      ...['send', '--config', 'psa.json', '--json', '--to', 'tel:+15550100', '--app', 'mms.ua'],
      ...['--type', 'text/plain', 'hello'],
    );
    // The number is an identity of bob, whose host refuses the type.
    expect(linesOf(pushed)).toMatchObject([{ to: 'tel:+15550100', status: 415, outcome: 'refused' }]);
    const refused = await folder.run(
      ...['send', '--config', 'psa.json', '--json', '--to', BOB, '--app', 'mms.ua'],
      ...['--type', 'text/plain', 'hello'],
    );
    expect(linesOf(refused)).toMatchObject([{ status: 415, outcome: 'refused' }]);
    expect(await lineOf(host, 'refused')).toMatchObject({ status: 415, from: PSA });
  });

  it('a host that does not trust the certificate reports the reason', async () => {
    await folder.write('tls.json', {
      users: USERS,
      tls: { cert: certificates.certFile, key: certificates.keyFile },
    });
    await using network = await folder.start(
      ...['network', '--json', '--users', 'tls.json', '--listen', 'sip:127.0.0.1:0;transport=tls'],
    );
    const { uris } = await lineOf(network, 'listening');
    const [server = ''] = uris as string[];
    await folder.write('bob.json', bob(server));
    await using host = await folder.start('host', '--config', 'bob.json', '--json');
    expect(await host.line(/disconnected/)).toMatch(/certificate/);
  });

  it('reports a port that is in use, and exits with 1', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const uri = `sip:127.0.0.1:${address.port};transport=tcp`;
    const { code, stdout, stderr } = await folder.run('network', '--listen', DATAGRAM, '--listen', uri);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(`^sip-push: cannot listen on 127\\.0\\.0\\.1:${address.port}: .*EADDRINUSE[^\\n]*$`),
    );
    server.close();
  });

  it.each([
    [{ bob: 7 }, '"bob": expected string or object, received number'],
    [
      { bob: { pasword: 'x' } },
      /^.*"bob\.password" is missing\n.*unknown key "bob\.pasword"; did you mean "password"\?$/,
    ],
    [{ users: { bob: 'x' }, trustedPeer: [] }, 'unknown key "trustedPeer"; did you mean "trustedPeers"?'],
    [
      { users: { bob: { password: 'x', identites: [] } } },
      'unknown key "users.bob.identites"; did you mean "identities"?',
    ],
    [{ users: {}, tls: { cert: 'none.pem', key: 'none.pem' } }, /"tls\.cert": .*none\.pem does not exist$/],
    [['bob'], 'expected object, received array'],
    ['bob: secret', /is not JSON/],
  ])('rejects the users file %j', async (users, problem) => {
    await folder.write('wrong.json', users);
    const { code, stdout, stderr } = await folder.run('network', '--users', 'wrong.json');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    if (typeof problem === 'string') expect(stderr).toBe(`sip-push: wrong.json: ${problem}`);
    else expect(stderr).toMatch(problem);
  });

  it('rejects tls without a certificate, and a public port without users', async () => {
    const tls = await folder.run('network', '--listen', 'sip:127.0.0.1:0;transport=tls');
    expect(tls).toMatchObject({ code: 2, stderr: 'sip-push: tls: a listener needs "cert" and "key"' });
    const open = await folder.run('network', '--listen', 'sip:0.0.0.0:0;transport=tcp');
    expect(open).toMatchObject({ code: 2, stdout: '' });
    expect(open.stderr).toMatch(/users with passwords are required/);
  });
});
